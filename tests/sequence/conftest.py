"""Small configurations, and one trained model that several tests look at."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleetcast.job_args.sequence import TrainConvlstm
from fleetcast.jobs import train_convlstm
from fleetcast.store.objects import Store
from fleetcast.tuning.database import create_tables
from study_database import StudyDatabase
from study_service import TOKEN, StudyService
from synthetic_panel import make_panel, write_panel

SMALL: dict[str, Any] = {
    "experiment_name": "small",
    "model_params": {
        "sequence_length": 5,
        "conv_lstm_filters": [2],
        "dense_units": [4],
        "batch_size": 32,
        "epochs": 3,
    },
}


@pytest.fixture(scope="session")
def small_config(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("config") / "small.json"
    path.write_text(json.dumps(SMALL))
    return str(path)


@pytest.fixture(scope="session")
def panel_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """260 days of four stocks."""
    return write_panel(tmp_path_factory.mktemp("panel") / "panel.parquet", make_panel(260, 4))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, small_config: str, panel_file: str) -> TrainConvlstm:
    """The arguments of a small model that is committed."""
    store = (tmp_path_factory.mktemp("trained") / "store").as_uri()
    args = TrainConvlstm(store=store, panel=panel_file, config=small_config)
    train_convlstm.run(args)
    return args


@pytest.fixture(scope="session")
def running_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudyService]:
    """A study service with a Postgres of its own."""
    database = StudyDatabase(tmp_path_factory.mktemp("study-database")).start()
    create_tables(database.uri)
    service = StudyService(tmp_path_factory.mktemp("service"), database.uri, lease_seconds=30.0).start()
    yield service
    service.stop()
    database.stop()


@pytest.fixture
def service(running_service: StudyService, monkeypatch: pytest.MonkeyPatch) -> StudyService:
    """The same, where the environment says how to reach it."""
    monkeypatch.setenv("FLEETCAST_STUDIES_URL", running_service.url)
    monkeypatch.setenv("FLEETCAST_STUDIES_TOKEN", TOKEN)
    return running_service


@pytest.fixture
def trained_store(trained: TrainConvlstm) -> Store:
    return Store(trained.store)
