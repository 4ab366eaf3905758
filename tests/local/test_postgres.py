import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from fleetcast.errors import ServiceError
from fleetcast.local.ports import HOST, choose_ports
from fleetcast.local.postgres import DATABASES, LocalPostgres
from fleetcast.local.processes import as_user


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A path that is longer than a Unix socket's may be, and has spaces in it."""
    long = tmp_path / ("a long path " * 12)
    long.mkdir()
    return long / "postgres"


@pytest.fixture
def server(folder: Path) -> Iterator[LocalPostgres]:
    """A running cluster."""
    (port,) = choose_ports([0])
    postgres = LocalPostgres(folder, port=port, password="it's a secret")
    postgres.prepare()
    component = postgres.component(dict(os.environ))
    with (folder.parent / "log").open("w") as log:
        process = subprocess.Popen(
            component.command, env=component.environment, stdout=log, stderr=log, **as_user(component.user)
        )
    while not component.is_ready():
        assert process.poll() is None, (folder.parent / "log").read_text()
        time.sleep(0.05)
    yield postgres
    assert component.stop_signal is not None
    process.send_signal(component.stop_signal)
    assert process.wait(timeout=20) == 0


def test_each_database_belongs_to_a_role_of_its_own_name(server: LocalPostgres) -> None:
    server.create_databases()
    server.create_databases()
    for name in DATABASES:
        connection = psycopg2.connect(server.uri(name).replace("+psycopg2", ""))
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_user, current_database(); ")
            assert cursor.fetchone() == (name, name)
            cursor.execute("CREATE TABLE mine (n int)")
        connection.close()


def test_nobody_connects_without_the_password(server: LocalPostgres) -> None:
    server.create_databases()
    port = server.uri("airflow").rsplit(":", maxsplit=1)[1].split("/")[0]
    for password in ("", "wrong"):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(host=HOST, port=port, user="airflow", dbname="airflow", password=password)


def test_a_server_that_is_away_is_a_service_error(folder: Path) -> None:
    (port,) = choose_ports([0])
    with pytest.raises(ServiceError, match="Postgres went away while its databases were made"):
        LocalPostgres(folder, port=port, password="p").create_databases()


def test_a_cluster_whose_making_was_interrupted_is_made_anew(folder: Path) -> None:
    half = folder.with_name("postgres.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18")
    LocalPostgres(folder, port=1, password="p").prepare()
    assert (folder / "postgresql.conf").exists()
    assert sorted(path.name for path in folder.parent.iterdir()) == ["postgres"]


def test_a_cluster_that_is_there_is_kept(folder: Path) -> None:
    folder.mkdir()
    (folder / "mark").write_text("kept")
    LocalPostgres(folder, port=1, password="p").prepare()
    assert (folder / "mark").read_text() == "kept"
