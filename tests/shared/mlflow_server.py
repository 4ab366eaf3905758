"""A real MLflow server on a free loopback port, in a process of its own that ends with `MlflowServer.stop`."""

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx
import psutil

START_LIMIT_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class MlflowServer:
    """SQLite backend and artifacts in ``folder``; a second server on it goes on where the first stopped."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}", "--workers", "1"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        path = str(Path(sys.executable).parent)  # mlflow starts uvicorn by name
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env={**environment, "PATH": path, "HOME": str(self.folder)}, stdout=log, stderr=log
            )
        limit = time.monotonic() + START_LIMIT_SECONDS
        while time.monotonic() < limit and self._process.poll() is None:
            try:
                if httpx.get(f"{self.uri}/health", timeout=2).status_code == 200:
                    return self
            except httpx.HTTPError:
                time.sleep(0.2)
        log_text = (self.folder / "server.log").read_text()[-2000:]
        self.stop()
        raise RuntimeError(f"MLflow did not answer at {self.uri}:\n{log_text}")

    def stop(self) -> None:
        if self._process is None:
            return
        main = psutil.Process(self._process.pid)
        processes = [*main.children(recursive=True), main]
        for process in processes:
            process.kill()
        self._process.wait(timeout=30)
        psutil.wait_procs(processes, timeout=30)
        self._process = None
