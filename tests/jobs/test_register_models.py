"""register-models against an MLflow server: what it registers and says, and that it waits for a server to come back."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from fleetcast.job_args.tuning import RegisterModels
from fleetcast.jobs.main import run as run_command
from fleetcast.store.objects import Store
from mlflow_server import MlflowServer
from produced_fleet import produced_args, write_produced_fleet
from synthetic_fleet import SyntheticFleet


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path_factory.mktemp("mlflow-server")).start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with nothing said about MLflow."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def argv(fleet: SyntheticFleet, **more: object) -> list[str]:
    return fleet.args.for_job(RegisterModels, **more).to_argv()


def challengers(uri: str, symbols: tuple[str, ...]) -> list[str | None]:
    client = MlflowClient(tracking_uri=uri)
    models = [client.get_registered_model(f"fleetcast-{symbol}-w5-high") for symbol in symbols]
    return [model.aliases.get("challenger") for model in models]


def test_models_are_registered_once_and_said(
    server: MlflowServer, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = write_produced_fleet(produced_args(store.uri, symbols=("btc", "eth")))
    assert run_command(argv(fleet, tracking_uri=server.uri)) == 0
    assert f"run {fleet.args.run_key}: 2 models are registered, 2 versions new" in capsys.readouterr().out
    manifest = fleet.folder.stage("registration").require()
    assert manifest.facts["versions"]["eth-w5-high"] == {"name": "fleetcast-eth-w5-high", "version": 1}
    assert run_command(argv(fleet, tracking_uri=server.uri)) == 0
    assert "2 models are registered, 0 versions new" in capsys.readouterr().out
    assert challengers(server.uri, ("btc", "eth")) == ["1", "1"]
    assert fleet.folder.stage("registration").require() == manifest


def test_a_server_that_restarts_is_waited_for(server: MlflowServer, store: Store) -> None:
    fleet = write_produced_fleet(produced_args(store.uri, symbols=("sol",)))
    server.stop()
    restart = threading.Timer(1.5, server.start)
    restart.start()
    try:
        assert run_command(argv(fleet, tracking_uri=server.uri, outage_limit_seconds=240)) == 0
    finally:
        restart.join()
    assert challengers(server.uri, ("sol",)) == ["1"]


def test_a_server_that_stays_away_ends_with_1_and_one_line(
    folder: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = write_produced_fleet(produced_args(store.uri))
    nobody = "http://127.0.0.1:9"
    assert run_command(argv(fleet, tracking_uri=nobody, outage_limit_seconds=0)) == 1
    error = capsys.readouterr().err
    assert "register-models: MLflow at http://127.0.0.1:9 (from --tracking-uri) failed to open the experiment" in error
    assert "clear the task register_models when MLflow is back" in error


def test_models_that_were_not_trained_are_asked_for(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = write_produced_fleet(produced_args(store.uri))
    shutil.rmtree(store.local_path(f"{fleet.folder.path}/production/models/eth-w5-high"))
    assert run_command(argv(fleet)) == 1
    assert "stage 'eth-w5-high' has no manifest" in capsys.readouterr().err
