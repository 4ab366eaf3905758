import shutil
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from fleetcast.tracking.target import TrackingTarget


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow makes its tables once, in seconds; the tests take copies."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def database(tmp_path: Path, empty_database: Path) -> TrackingTarget:
    """Registered models have no experiment, so each test has an MLflow of its own."""
    path = tmp_path / "mlflow" / "mlflow.db"
    path.parent.mkdir()
    shutil.copy(empty_database, path)
    return TrackingTarget(f"sqlite:///{path}", "experiment", "the test")
