"""Fixtures that tests of several packages share."""

import shutil
from pathlib import Path

import pytest

from fleetcast.store.objects import Store
from fleetcast.tracking.target import TrackingTarget


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store in a folder of the test's own."""
    return Store((tmp_path / "store").as_uri())


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow makes its tables once, in seconds; the tests take copies."""
    from mlflow.tracking import MlflowClient  # Airflow's environment has none

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def database(tmp_path: Path, empty_database: Path) -> TrackingTarget:
    """An MLflow of the test's own: registered models have no experiment that could keep them apart."""
    path = tmp_path / "mlflow" / "mlflow.db"
    path.parent.mkdir()
    shutil.copy(empty_database, path)
    return TrackingTarget(f"sqlite:///{path}", "experiment", "the test")
