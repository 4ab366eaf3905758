"""The database service's own script, run with real programs of Postgres as a process of this machine."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from compose import Compose
from fleetcast.local.ports import HOST, choose_ports
from fleetcast.local.postgres import BIN, SYSTEM_USER, ensure_user_exists, let_pass
from fleetcast.local.processes import as_user

ROLES = ("airflow", "mlflow", "optuna")
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    service: dict[str, Any] = Compose().services()["postgres"]
    return service


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the volume would be, owned by the user that Postgres runs as."""
    if os.geteuid() == 0:
        ensure_user_exists(SYSTEM_USER)
        let_pass(tmp_path)
        shutil.chown(tmp_path, SYSTEM_USER)
    return tmp_path


@pytest.fixture
def start(service: dict[str, Any], folder: Path) -> Iterator[Start]:
    """Runs the service's command as its container would, with the volume in the folder."""
    started: list[subprocess.Popen[str]] = []
    user = as_user(SYSTEM_USER if os.geteuid() == 0 else None)

    def run(port: int = 0, **changes: str) -> "subprocess.Popen[str]":
        command = [*service["entrypoint"], *service["command"]]
        (volume,) = service["volumes"]
        words = [word.replace(volume["target"], str(folder)).replace("$$", "$") for word in command]
        environment = {**service["environment"], "PATH": f"{BIN}:{os.environ['PATH']}", "PGPORT": str(port), **changes}
        process = subprocess.Popen(
            words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **user
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.terminate()
        process.communicate(timeout=30)


def connect(service: dict[str, Any], port: int, role: str, **changes: str) -> "psycopg2.extensions.connection":
    password = service["environment"][f"{role.upper()}_PASSWORD"]
    return psycopg2.connect(
        **{"host": HOST, "port": port, "user": role, "dbname": role, "password": password} | changes
    )


def wait_until_ready(service: dict[str, Any], port: int, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return connect(service, port, "airflow").close()
        except psycopg2.OperationalError:
            time.sleep(0.1)
    raise TimeoutError(f"Postgres did not serve: {process.stdout.read() if process.stdout else ''}")


def test_each_role_has_its_own_database_and_password(service: dict[str, Any], start: Start) -> None:
    (port,) = choose_ports([0])
    wait_until_ready(service, port, start(port))
    for role in ROLES:
        with connect(service, port, role) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE mine (n int)")
        connection.close()
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            connect(service, port, role, password=service["environment"]["POSTGRES_PASSWORD"])


def test_a_cluster_is_kept_and_half_a_one_is_made_anew(service: dict[str, Any], start: Start, folder: Path) -> None:
    half = folder / "new"
    half.mkdir()
    (half / "PG_VERSION").write_text("17")
    shutil.chown(half, folder.owner())
    (port,) = choose_ports([0])
    first = start(port)
    wait_until_ready(service, port, first)
    with connect(service, port, "mlflow") as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept (n int)")
    connection.close()
    first.send_signal(signal.SIGINT)
    assert first.wait(timeout=30) == 0
    wait_until_ready(service, port, start(port))
    with connect(service, port, "mlflow") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM kept")
        assert cursor.fetchone() == (0,)
    connection.close()
    assert sorted(path.name for path in folder.iterdir()) == ["cluster"]


def test_a_password_that_sql_or_a_url_would_read_otherwise_is_refused(start: Start, folder: Path) -> None:
    process = start(MLFLOW_PASSWORD="it's")
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert output == "a database password may hold letters, digits, _ and - alone\n"
    assert list(folder.iterdir()) == []
