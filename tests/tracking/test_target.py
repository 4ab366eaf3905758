from pathlib import Path
from typing import Any

import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.tracking.target import TrackingTarget, choose_target

FILE = "tracking_uri: http://from-file:5000\ndefault_experiment_name: of the file\n"


def choose(folder: Path, **given: Any) -> TrackingTarget:
    return choose_target(folder, **{"environment_uri": None, "tracking_uri": None, "experiment_name": None, **given})


def test_environment_wins_over_argument_and_file(tmp_path: Path) -> None:
    (tmp_path / "mlflow_config.yaml").write_text(FILE)
    target = choose(tmp_path, environment_uri="http://from-environment:5000", tracking_uri="http://from-argument:5000")
    assert (target.uri, target.source) == ("http://from-environment:5000", "MLFLOW_TRACKING_URI")


def test_argument_wins_over_file(tmp_path: Path) -> None:
    (tmp_path / "mlflow_config.yaml").write_text(FILE)
    target = choose(tmp_path, tracking_uri="http://from-argument:5000", experiment_name="of the argument")
    assert (target.uri, target.experiment_name) == ("http://from-argument:5000", "of the argument")


def test_file_wins_over_local_default(tmp_path: Path) -> None:
    (tmp_path / "mlflow_config.yaml").write_text(FILE)
    target = choose(tmp_path, environment_uri="")
    assert (target.uri, target.experiment_name) == ("http://from-file:5000", "of the file")


@pytest.mark.parametrize("content", [None, "", "# nothing\n", "default_experiment_name: named\n"])
def test_local_default_is_a_sqlite_file_of_the_folder(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "mlflow_config.yaml").write_text(content)
    target = choose(tmp_path)
    assert target.uri == f"sqlite:///{tmp_path}/.fleetcast/mlflow/mlflow.db"
    assert target.artifact_root == (tmp_path / ".fleetcast" / "mlflow" / "artifacts").as_uri()
    assert target.experiment_name == ("named" if content and "named" in content else "fleetcast")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("tracking_url: http://x\n", "tracking_url: Extra inputs are not permitted"),
        ("tracking_uri: 5000\n", "tracking_uri: Input should be a valid string"),
        ("tracking_uri: '  '\n", "tracking_uri: String should have at least 1 character"),
        ("- a\n- b\n", "file: Input should be a valid dictionary"),
        ("tracking_uri: [\n", "cannot read"),
    ],
)
def test_wrong_file_is_refused_also_when_the_environment_wins(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "mlflow_config.yaml").write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        choose(tmp_path, environment_uri="http://from-environment:5000")


@pytest.mark.parametrize("uri", ["./mlruns", "file:///tmp/mlruns", "localhost:5000", "ftp://host"])
def test_uri_of_another_kind_is_refused(tmp_path: Path, uri: str) -> None:
    with pytest.raises(ConfigurationError, match=r"from --tracking-uri: expected one of http:"):
        choose(tmp_path, tracking_uri=uri)


def test_password_is_not_shown(tmp_path: Path) -> None:
    target = choose(tmp_path, tracking_uri="postgresql+psycopg2://mlflow:secret@db:5432/mlflow")
    assert target.shown_uri == "postgresql+psycopg2://db:5432/mlflow"
    assert not target.is_server
    assert target.artifact_root is None
