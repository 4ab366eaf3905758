"""The embedded database's own script, run with real programs of Postgres as a process of this machine."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from fleetcast.local.ports import HOST, choose_ports
from fleetcast.local.postgres import BIN, SYSTEM_USER, ensure_user_exists, let_pass
from fleetcast.local.processes import as_user
from rendered_chart import NAME, TRYING_OUT, render
from supervised import wait_for

ROLES = ("airflow", "mlflow", "optuna")
Start = Callable[..., "subprocess.Popen[bytes]"]


def password_of(role: str) -> str:
    return f"of-{role}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the volume and the passwords would be, owned by the user that Postgres runs as."""
    passwords, data = tmp_path / "passwords", tmp_path / "data"
    passwords.mkdir()
    data.mkdir()
    for role in (*ROLES, "postgres"):
        (passwords / role).write_text(password_of(role))
    if os.geteuid() == 0:
        ensure_user_exists(SYSTEM_USER)
        let_pass(data)
        shutil.chown(data, SYSTEM_USER)
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Runs the script as its container would, with both mounts in the folder, and waits until it serves."""
    script: str = render(values=TRYING_OUT).one("ConfigMap", f"{NAME}-postgres")["data"]["start.sh"]
    for mount in ("data", "passwords"):
        script = script.replace(f"/{mount}/", f"{folder}/{mount}/").replace(f"/{mount} ", f"{folder}/{mount} ")
    # A busy disk may take minutes to sync, and nothing here must outlive a crash.
    for program, quick in {"initdb ": "initdb --no-sync ", "postgres --single ": "postgres --single -F "}.items():
        script = script.replace(program, quick)
    started: list[subprocess.Popen[bytes]] = []

    def run(port: int, *, roles: str = " ".join(ROLES), serves: bool = True) -> "subprocess.Popen[bytes]":
        words = script.replace(" ".join(ROLES), roles)
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                ["sh", "-c", words],
                env={"PATH": f"{BIN}:{os.environ['PATH']}", "PGPORT": str(port)},
                stdout=log,
                stderr=log,
                **as_user(SYSTEM_USER if os.geteuid() == 0 else None),
            )
        started.append(process)
        if serves:
            wait_for(lambda: can_connect(port, "airflow"), seconds=300, otherwise=(folder / "log").read_text)
        return process

    yield run
    for process in started:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def connect(port: int, role: str) -> "psycopg2.extensions.connection":
    return psycopg2.connect(host=HOST, port=port, user=role, dbname=role, password=password_of(role))


def can_connect(port: int, role: str) -> bool:
    try:
        connect(port, role).close()
    except psycopg2.OperationalError:
        return False
    return True


def test_each_role_has_its_own_database_and_password(start: Start) -> None:
    (port,) = choose_ports([0])
    start(port)
    for role in ROLES:
        with closing(connect(port, role)) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE mine (n int)")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(host=HOST, port=port, user="optuna", dbname="optuna", password=password_of("postgres"))


def test_a_cluster_of_an_earlier_version_gets_what_it_lacks_and_keeps_what_it_has(start: Start, folder: Path) -> None:
    (port,) = choose_ports([0])
    earlier = start(port, roles="airflow mlflow")
    shutil.rmtree(folder / "data" / "made")  # an earlier version did not note what it had made
    assert not can_connect(port, "optuna")
    with closing(connect(port, "mlflow")) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept (n int)")
    earlier.send_signal(signal.SIGINT)
    assert earlier.wait(timeout=30) == 0
    start(port)
    assert can_connect(port, "optuna")
    with closing(connect(port, "mlflow")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM kept")
        assert cursor.fetchone() == (0,)
    assert sorted(path.name for path in (folder / "data" / "made").iterdir()) == sorted(ROLES)


def test_a_role_that_cannot_be_made_is_said_and_made_the_next_time(start: Start, folder: Path) -> None:
    (port,) = choose_ports([0])
    (folder / "passwords" / "mlflow").write_text("it's no text for SQL")
    assert start(port, serves=False).wait(timeout=300) == 1
    assert "cannot make the role and the database mlflow" in (folder / "log").read_text()
    (folder / "passwords" / "mlflow").write_text(password_of("mlflow"))
    start(port)
    connect(port, "mlflow").close()
