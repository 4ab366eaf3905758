"""A Postgres for studies in processes of its own, which tests and benchmarks may end and start again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from fleetcast.local.ports import choose_ports
from fleetcast.local.postgres import LocalPostgres
from fleetcast.local.processes import as_user

DATABASE = "optuna"
PASSWORD = "that only its role knows"


class StudyDatabase:
    """One cluster with a database ``optuna``, as a deployment has it: at most 100 connections."""

    def __init__(self, folder: Path) -> None:
        (port,) = choose_ports([0])
        self._folder = folder
        self._postgres = LocalPostgres(
            folder / "postgres", port=port, password="it's", role_passwords={DATABASE: PASSWORD}
        )
        self._postgres.prepare(say=lambda line: print(line, file=sys.stderr))
        self._process: subprocess.Popen[bytes] | None = None
        self.uri = self._postgres.uri(DATABASE)

    def start(self) -> Self:
        """Serves; what an earlier start had stored is there."""
        component = self._postgres.component(dict(os.environ))
        with (self._folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*component.command, "-c", "max_connections=100"],
                env=component.environment,
                stdout=log,
                stderr=log,
                **as_user(component.user),
            )
        while not component.is_ready():
            if self._process.poll() is not None:
                raise RuntimeError((self._folder / "postgres.log").read_text()[-2000:])
            time.sleep(0.05)
        self._postgres.create_databases()
        return self

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Ends it: SIGINT ends connections and keeps every commit, SIGQUIT drops everything as a crash does."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=60)
            self._process = None
