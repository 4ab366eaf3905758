"""A shard's workers without processes: one task after the other, here."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from fleetcast.training.workers import LOG_NAME, Limits, Outcome, Task


class InThisProcess:
    """Takes the place of `fleetcast.training.workers.Workers`; a task that fails ends everything."""

    running = ()
    stopping = False
    limits = Limits(seconds=1.0, memory_bytes=0, n_restarts=0)

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    def run(self, tasks: Iterator[Task]) -> Iterator[Outcome]:
        """Yields each task's outcome."""
        for task in tasks:
            folder = self._scratch / task.name
            folder.mkdir()
            (folder / LOG_NAME).touch()
            task.call(folder)
            yield Outcome(task.name, folder, 0, None)
            shutil.rmtree(folder)
