"""The study service in a process of its own, started by its command; it can be killed and started again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx

from fleetcast.local.ports import HOST, choose_ports

TOKEN = "a token that nobody else has"
START_LIMIT_SECONDS = 120.0


class StudyService:
    """``fleetcast serve-studies`` on a free port; its log is ``folder/service.log``."""

    def __init__(self, folder: Path, database_uri: str, *, lease_seconds: float) -> None:
        (self._port,) = choose_ports([0])
        self._log = folder / "service.log"
        self._lease_seconds = lease_seconds
        self._environment = {"FLEETCAST_STUDIES_DATABASE_URL": database_uri, "FLEETCAST_STUDIES_TOKEN": TOKEN}
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://{HOST}:{self._port}"

    def launch(self) -> Self:
        """Starts it without waiting."""
        arguments = ["serve-studies", "--port", str(self._port), "--lease-seconds", str(self._lease_seconds)]
        command = [sys.executable, "-c", "from fleetcast.jobs.main import main; main()", *arguments]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env={**os.environ, **self._environment}, stdout=log, stderr=log)
        return self

    def start(self) -> Self:
        """Starts it and waits until it serves."""
        self.launch()
        limit = time.monotonic() + START_LIMIT_SECONDS
        while not self.is_healthy():
            if time.monotonic() > limit or self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"the study service does not serve:\n{self.said()[-2000:]}")
            time.sleep(0.1)
        return self

    def keep(self) -> None:
        """Starts it again where it has ended, as everything that runs services does, and waits until it serves."""
        limit = time.monotonic() + START_LIMIT_SECONDS
        while not self.is_healthy():
            if time.monotonic() > limit:
                raise RuntimeError(f"the study service does not serve:\n{self.said()[-2000:]}")
            if self._process is None or self._process.poll() is not None:
                self.launch()
            time.sleep(0.1)

    def is_healthy(self) -> bool:
        """Whether it serves and has its database."""
        try:
            # verify: else each call reads all authorities' certificates for nothing, 0.1 s beside what is measured
            return httpx.get(f"{self.url}/health", timeout=5, verify=False).is_success
        except httpx.TransportError:
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int | None:
        """Ends it; returns its exit code."""
        if self._process is None:
            return None
        self._process.send_signal(how)
        code = self._process.wait(timeout=60)
        self._process = None
        return code

    def said(self) -> str:
        """Its log."""
        return self._log.read_text()
