import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from fleetcast.job_args.fleet import LogRuns
from fleetcast.jobs.main import run as run_command
from mlflow_server import MlflowServer, free_port
from synthetic_fleet import SyntheticFleet, fleet_args, full_fleet_args


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with nothing said about MLflow."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def micro_fleet(folder: Path) -> SyntheticFleet:
    return SyntheticFleet(fleet_args((folder / "store").as_uri()))


def argv(fleet: SyntheticFleet, **more: object) -> list[str]:
    return fleet.args.for_job(LogRuns, **more).to_argv()


def count_runs(uri: str, experiment: str = "fleetcast") -> int:
    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    return len(client.search_runs([found.experiment_id], max_results=5000))


def test_run_is_logged_to_the_local_default_and_said(
    folder: Path, empty_database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = micro_fleet(folder)
    fleet.write_all()
    database = folder / ".fleetcast" / "mlflow" / "mlflow.db"
    database.parent.mkdir(parents=True)
    shutil.copy(empty_database, database)
    assert run_command(argv(fleet)) == 0
    assert "is logged completely: 36 variants, 36 runs new" in capsys.readouterr().out
    assert count_runs(f"sqlite:///{database}") == 37
    facts = fleet.folder.stage("tracking").require().facts
    assert facts["n_runs"] == 37
    assert facts["n_models"] == 3
    assert facts["cpu_seconds"] > 0
    assert run_command(argv(fleet)) == 0
    assert "was logged completely before" in capsys.readouterr().out
    assert count_runs(f"sqlite:///{database}") == 37


def test_following_a_run_that_is_over_without_its_report_ends_with_2_and_one_line(
    folder: Path, empty_database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = micro_fleet(folder)
    fleet.write_early_stages()
    fleet.write_variants(stop=4)
    fleet.folder.write_end("manual__1")
    shutil.copy(empty_database, folder / "mlflow.db")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    assert run_command(argv(fleet, tracking_uri=uri, follow=True, dag_run_id="manual__1")) == 2
    assert "the run has ended without its report: 4 of 36 variants are in MLflow" in capsys.readouterr().err
    assert count_runs(uri) == 5


def test_incomplete_run_is_logged_as_far_as_it_goes(
    folder: Path, empty_database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = micro_fleet(folder)
    fleet.write_early_stages()
    fleet.write_variants(stop=4)
    shutil.copy(empty_database, folder / "mlflow.db")
    assert run_command(argv(fleet, tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")) == 0
    assert "logged as far as it goes: 4 of 36 variants" in capsys.readouterr().out
    assert fleet.folder.stage("tracking").committed() is None


def test_environment_wins_over_argument(folder: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = micro_fleet(folder)
    fleet.write_early_stages()
    shutil.copy(empty_database, folder / "environment.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'environment.db'}")
    assert run_command(argv(fleet, tracking_uri=f"sqlite:///{folder / 'argument.db'}")) == 0
    assert count_runs(f"sqlite:///{folder / 'environment.db'}") == 1
    assert not (folder / "argument.db").exists()


def test_unknown_key_in_the_file_ends_with_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mlflow_config.yaml").write_text("tracking_url: http://x\n")
    assert run_command(argv(micro_fleet(folder))) == 2
    assert "tracking_url: Extra inputs are not permitted" in capsys.readouterr().err.splitlines()[-1]


def test_mlflow_down_ends_with_1_and_a_later_run_completes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = micro_fleet(folder)
    fleet.write_all()
    server = MlflowServer(folder / "mlflow", port=free_port())
    arguments = argv(fleet, tracking_uri=server.uri, outage_limit_seconds=1.0)
    assert run_command(arguments) == 1
    last_line = capsys.readouterr().err.splitlines()[-1]
    assert last_line.startswith(f"log-runs: MLflow at {server.uri} (from --tracking-uri) failed to open")
    assert last_line.endswith("clear the task log_runs when MLflow is back: nothing is lost")
    server.start()
    try:
        assert run_command(arguments) == 0
        assert count_runs(server.uri) == 37
    finally:
        server.stop()


def test_killed_process_is_resumed_without_doubles(folder: Path, empty_database: Path) -> None:
    fleet = SyntheticFleet(full_fleet_args((folder / "store").as_uri(), symbols=("btc",), window_bars=(5, 10)))
    fleet.write_all()
    database = folder / "mlflow.db"
    shutil.copy(empty_database, database)
    arguments = argv(fleet, tracking_uri=f"sqlite:///{database}")
    command = [sys.executable, "-c", "from fleetcast.jobs.main import main; main()", *arguments]
    with (folder / "killed.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        while process.poll() is None and rows_in(database) < 40:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    n_before = rows_in(database)
    assert process.returncode == -signal.SIGKILL, (folder / "killed.log").read_text()
    assert 40 <= n_before < 241
    assert run_command(arguments) == 0
    assert rows_in(database) == count_runs(f"sqlite:///{database}") == 241
    assert fleet.folder.stage("tracking").require().facts["n_created"] == 241 - n_before


def rows_in(database: Path) -> int:
    """Runs in the table, deleted ones too."""
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        count: int = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
        return count
