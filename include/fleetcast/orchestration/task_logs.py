"""Task logs in the object store, through Airflow's own seam for them: ``[logging] logging_config_class`` names this.

Airflow's providers would bring boto3 and more for the same; the store's client is here already.
"""

import socket
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from airflow.config_templates.airflow_local_settings import DEFAULT_LOGGING_CONFIG
from airflow.sdk.configuration import conf

from fleetcast.settings import Settings
from fleetcast.store.objects import Store

LOGGING_CONFIG = DEFAULT_LOGGING_CONFIG
FOLDER = "logs"


class StoreLogs:
    """Airflow's interface for remote task logs.

    A task that waits for its pod is written by several processes, maybe of several schedulers: each host's part is an
    object of its own, ``logs/<path>@<host>``, so that none overwrites another's. A later upload of one host holds its
    earlier one. Parts of triggers have the task's path and more behind it.

    Args:
        store_uri: where; None is the deployment's store.
        folder: where Airflow writes the files that are uploaded.
        host: this process's.
    """

    processors: tuple[Any, ...] = ()

    def __init__(self, store_uri: str | None = None, *, folder: Path | None = None, host: str | None = None) -> None:
        self._store_uri = store_uri
        self._folder = folder or Path(conf.get("logging", "base_log_folder"))
        self._host = host or socket.gethostname()

    def upload(self, path: str | Path, ti: Any = None) -> None:
        """Stores one file of the log folder, named by its path in it."""
        file = self._folder / path
        if file.is_file():
            self._store.write(f"{FOLDER}/{file.relative_to(self._folder)}@{self._host}", file.read_bytes())

    def stream(self, relative_path: str, ti: Any = None) -> tuple[list[str], list[Iterator[str]]]:
        """The names of all parts of one task attempt, and the lines of each; Airflow merges them by time."""
        folder = str(Path(FOLDER, relative_path).parent)
        prefix = f"{FOLDER}/{relative_path}"
        parts = sorted(path for path in self._store.list_objects(folder) if path.startswith(prefix))
        return [f"{self._store.uri}/{part}" for part in parts], [self._lines(part) for part in parts]

    def read(self, relative_path: str, ti: Any = None) -> tuple[list[str], list[str] | None]:
        """All parts at once, for readers of the older interface."""
        sources, parts = self.stream(relative_path)
        return sources, ["\n".join(part) for part in parts] or None

    def _lines(self, path: str) -> Iterator[str]:
        yield from self._store.read(path).decode(errors="replace").splitlines()

    @cached_property
    def _store(self) -> Store:
        return Store(self._store_uri or Settings().store)


REMOTE_TASK_LOG = StoreLogs()
