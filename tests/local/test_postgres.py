import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg2
import pytest

from fleetcast.errors import ServiceError
from fleetcast.local.ports import choose_ports
from fleetcast.local.postgres import LocalPostgres, let_pass
from fleetcast.local.processes import as_user

ROLES = {"airflow": "it's airflow's", "mlflow": "it's mlflow's", "optuna": "it's optuna's"}


def cluster(folder: Path, *, port: int = 1, roles: Mapping[str, str] = ROLES) -> LocalPostgres:
    return LocalPostgres(folder, port=port, password="it's a secret", role_passwords=roles)


def connect(uri: str, **changes: str) -> "psycopg2.extensions.connection":
    return psycopg2.connect(uri.replace("+psycopg2", ""), **changes)


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
    postgres = cluster(folder, port=port)
    postgres.prepare(say=print)
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
    for name in ROLES:
        connection = connect(server.uri(name))
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_user, current_database(); ")
            assert cursor.fetchone() == (name, name)
            cursor.execute("CREATE TABLE mine (n int)")
        connection.close()


@pytest.mark.parametrize("password", ["", "wrong", ROLES["mlflow"]])
def test_nobody_connects_without_the_roles_own_password(server: LocalPostgres, password: str) -> None:
    server.create_databases()
    with pytest.raises(psycopg2.OperationalError, match="password"):
        connect(server.uri("airflow"), password=password)


def test_a_roles_password_follows_the_keys(server: LocalPostgres, folder: Path) -> None:
    server.create_databases()
    port = int(server.uri("airflow").rsplit(":", maxsplit=1)[1].split("/")[0])
    changed = cluster(folder, port=port, roles=ROLES | {"airflow": "another"})
    changed.create_databases()
    connect(changed.uri("airflow")).close()
    with pytest.raises(psycopg2.OperationalError, match="password"):
        connect(server.uri("airflow"))


def test_a_server_that_is_away_is_a_service_error(folder: Path) -> None:
    (port,) = choose_ports([0])
    with pytest.raises(ServiceError, match="Postgres went away while its databases were made"):
        cluster(folder, port=port).create_databases()


def test_a_cluster_whose_making_was_interrupted_is_made_anew(folder: Path) -> None:
    half = folder.with_name("postgres.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18")
    cluster(folder).prepare(say=print)
    assert (folder / "postgresql.conf").exists()
    assert sorted(path.name for path in folder.parent.iterdir()) == ["postgres"]


def test_a_cluster_that_is_there_is_kept(folder: Path) -> None:
    folder.mkdir()
    (folder / "mark").write_text("kept")
    cluster(folder).prepare(say=print)
    assert (folder / "mark").read_text() == "kept"


def test_a_way_that_has_to_be_opened_is_opened_for_passing_alone_and_said(tmp_path: Path) -> None:
    closed, open_already = tmp_path / "closed", tmp_path / "closed" / "open"
    open_already.mkdir(parents=True)
    tmp_path.chmod(0o711)
    open_already.chmod(0o755)
    closed.chmod(0o700)
    assert let_pass(open_already / "postgres") == [closed]
    assert closed.stat().st_mode & 0o777 == 0o701
    assert let_pass(open_already / "postgres") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's Postgres runs as another user")
def test_opening_a_way_is_said(folder: Path) -> None:
    folder.parent.chmod(0o700)
    said: list[str] = []
    cluster(folder).prepare(say=said.append)
    assert [line for line in said if f"may pass through {folder.parent} now" in line]
