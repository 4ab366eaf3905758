from pathlib import Path

import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.local.layout import Layout
from fleetcast.local.prerequisites import check_library, check_prerequisites


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A repository with both environments."""
    layout = Layout(repository=tmp_path, home=tmp_path / ".fleetcast")
    for program in (layout.airflow_bin / "airflow", layout.trainer_bin / "fleetcast", layout.trainer_bin / "mlflow"):
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch()
    return layout


def test_a_complete_machine_passes(layout: Layout, tmp_path: Path) -> None:
    check_prerequisites(layout, bars="sample")
    (tmp_path / "bars.csv").touch()
    check_prerequisites(layout, bars=str(tmp_path / "bars.csv"))


def test_a_missing_library_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(ConfigurationError, match=r"libnothere\.so\.1 is missing.*apt-get install libgomp1"):
        check_library("libnothere.so.1")


def test_a_missing_environment_is_named(layout: Layout) -> None:
    (layout.airflow_bin / "airflow").unlink()
    with pytest.raises(ConfigurationError, match=r"no .*\.venv-airflow/bin/airflow: run `make run`"):
        check_prerequisites(layout, bars="sample")


def test_missing_bars_are_named(layout: Layout) -> None:
    with pytest.raises(ConfigurationError, match="no bars at /nowhere: expected a Parquet or CSV file"):
        check_prerequisites(layout, bars="/nowhere")


def test_bars_in_an_object_store_are_left_to_the_job_that_reads_them(layout: Layout) -> None:
    check_prerequisites(layout, bars="s3://bucket/bars")
