"""The study service's components as the supervisor starts them, on a real Postgres."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.job_args.tuning import ServeStudies
from fleetcast.local.layout import Layout
from fleetcast.local.mlflow_server import address
from fleetcast.local.ports import HOST, choose_ports
from fleetcast.local.study_service import study_service, study_tables
from fleetcast.tuning.client import StudyClient
from study_database import StudyDatabase
from supervised import wait_for

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What both get: an empty database, and a token."""
    database = StudyDatabase(tmp_path).start()
    yield {
        "PATH": os.environ["PATH"],
        "FLEETCAST_STUDIES_DATABASE_URL": database.uri,
        "FLEETCAST_STUDIES_TOKEN": "a secret",
    }
    database.stop()


def test_the_service_serves_whoever_has_its_token_once_the_tables_are_made(
    environment: dict[str, str], tmp_path: Path
) -> None:
    layout = Layout(repository=REPOSITORY, home=tmp_path)
    (port,) = choose_ports([0])
    tables, service = study_tables(layout, environment), study_service(layout, port=port, environment=environment)
    subprocess.run(tables.command, env=tables.environment, check=True)
    assert not service.is_ready()
    with subprocess.Popen(service.command, env=service.environment) as process:
        wait_for(service.is_ready, seconds=120)
        for token, answer in {"a secret": "unknown study 'none'", "another": "wrong token"}.items():
            with StudyClient(address(port), token=token) as client, pytest.raises(ConfigurationError, match=answer):
                client.look("none")
        process.terminate()
    assert process.returncode == 0
    assert not service.is_ready()


def test_secrets_stand_in_the_environment_and_not_in_the_list_of_processes(tmp_path: Path) -> None:
    layout = Layout(repository=tmp_path, home=tmp_path / "home")
    environment = {"FLEETCAST_STUDIES_TOKEN": "a secret"}
    for component in (study_tables(layout, environment), study_service(layout, port=8123, environment=environment)):
        assert component.command[0] == str(tmp_path / ".venv" / "bin" / "fleetcast")
        assert component.environment == environment
        assert "a secret" not in " ".join(component.command)


def test_the_service_listens_on_this_machine_alone(tmp_path: Path) -> None:
    service = study_service(Layout(repository=tmp_path, home=tmp_path), port=8123, environment={})
    asked = ServeStudies.from_argv(service.command[1:])
    assert (asked.host, asked.port) == (HOST, 8123)
