"""Task logs in the object store, through Airflow's own seam for them: ``[logging] logging_config_class`` names this.

Airflow's providers would bring boto3 and more for the same; the store's client is here already.
"""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from airflow.config_templates.airflow_local_settings import DEFAULT_LOGGING_CONFIG
from airflow.sdk.configuration import conf

from fleetcast.errors import StoreError
from fleetcast.settings import read_settings
from fleetcast.store.objects import Store

LOGGING_CONFIG = DEFAULT_LOGGING_CONFIG
FOLDER = "logs"
UPLOAD_SECONDS = 60
READER_PATIENCE = timedelta(seconds=5)  # somebody waits for the page


def succeeds_in_a_child(action: Callable[[], object]) -> bool:
    """Runs the action in a forked process; whether it came to its end in time.

    The store's client keeps threads, and threads do not survive a fork: a worker that had used it itself would leave
    the next task that it forks with a client that hangs or crashes.
    """
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(UPLOAD_SECONDS)
            action()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


class StoreLogs:
    """Airflow's interface for remote task logs.

    A task that waits for its pod is written by several processes, maybe of several schedulers: each host's part is an
    object of its own, ``logs/<path>@<host>``, so that none overwrites another's. A later upload of one host holds its
    earlier one. Parts of triggers have the task's path and more behind it.

    Args:
        store_uri: where; None is the deployment's store.
        folder: where Airflow writes the files that are uploaded.
        host: this process's.
        succeeds: how an upload is run.
    """

    processors: tuple[Any, ...] = ()

    def __init__(
        self,
        store_uri: str | None = None,
        *,
        folder: Path | None = None,
        host: str | None = None,
        succeeds: Callable[[Callable[[], object]], bool] = succeeds_in_a_child,
    ) -> None:
        self._store_uri = store_uri
        self._folder = folder or Path(conf.get("logging", "base_log_folder"))
        self._host = host or socket.gethostname()
        self._succeeds = succeeds

    def upload(self, path: str | Path, ti: Any = None) -> None:
        """Stores one file of the log folder, named by its path in it.

        Raises:
            StoreError: it could not be stored; Airflow notes that and goes on.
        """
        file = self._folder / path
        if file.is_file():
            name = f"{FOLDER}/{file.relative_to(self._folder)}@{self._host}"
            if not self._succeeds(lambda: self._store.write(name, file.read_bytes())):
                raise StoreError(f"cannot store the log {name}: its process failed or took over {UPLOAD_SECONDS} s")

    def stream(self, relative_path: str, ti: Any = None) -> tuple[list[str], list[Iterator[str]]]:
        """The names of all parts of one task attempt, and the lines of each; Airflow merges them by time.

        A store that does not answer is named in place of the parts, so that Airflow goes on to what the task's host
        still has: why a store cannot be reached is read in such a log.
        """
        folder = str(Path(FOLDER, relative_path).parent)
        prefix = f"{FOLDER}/{relative_path}"
        try:
            parts = sorted(path for path in self._impatient.list_objects(folder) if path.startswith(prefix))
        except StoreError as exc:
            return [str(exc)], []
        return [f"{self._store.uri}/{part}" for part in parts], [self._lines(part) for part in parts]

    def read(self, relative_path: str, ti: Any = None) -> tuple[list[str], list[str] | None]:
        """All parts at once, for readers of the older interface."""
        sources, parts = self.stream(relative_path)
        return sources, ["\n".join(part) for part in parts] or None

    def _lines(self, path: str) -> Iterator[str]:
        yield from self._store.read(path).decode(errors="replace").splitlines()

    @cached_property
    def _store(self) -> Store:
        return Store(self._store_uri or read_settings().store)

    @cached_property
    def _impatient(self) -> Store:
        return Store(self._store.uri, patience=READER_PATIENCE)


REMOTE_TASK_LOG = StoreLogs()
