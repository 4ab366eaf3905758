"""A supervisor over shell commands, in a process of its own, and what a test may ask of it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from fleetcast.local.processes import read_records


def is_running(pid: int) -> bool:
    """Whether the process works; one that has ended and waits to be reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(is_true: Callable[[], bool], *, seconds: float = 15.0, otherwise: Callable[[], str] = str) -> None:
    """Waits until something holds, and fails with what there is to say when it does not in time."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s in vain: {otherwise()}")
        time.sleep(0.02)


class Supervised:
    """A supervisor over shell commands, in a folder where these may leave files.

    A component has ``start_seconds`` to serve for the first time.
    """

    start_seconds = 0.5

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def start(self, **commands: str) -> None:
        """Starts the components, in this order."""
        (self.folder / "components.json").write_text(json.dumps(commands))
        with (self.folder / "said").open("w") as said:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, str(Path(__file__).with_name("run_supervisor.py"))),
                    *(str(self.folder), str(self.start_seconds)),
                ],
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.wait_for(lambda: "started" in self.said() or "gave up" in self.said())

    def said(self) -> str:
        """What it has said so far."""
        return (self.folder / "said").read_text()

    def pid_of(self, name: str) -> int:
        """The component's process."""
        return next(record.pid for record in read_records(self.folder / "processes.json") if record.name == name)

    def pid_in(self, name: str) -> int:
        """A process number that a component has left in a file."""
        path = self.folder / name
        self.wait_for(lambda: path.exists() and path.read_text().strip() != "")
        return int(path.read_text())

    def wait_for(self, is_true: Callable[[], bool], *, seconds: float = 15.0) -> None:
        """Waits until something holds, and fails when it does not in time."""
        wait_for(is_true, seconds=seconds, otherwise=self.said)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Signals the supervisor and waits for its end."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(timeout=20)
