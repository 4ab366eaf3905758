import subprocess
import sys
from pathlib import Path

import pytest

from fleetcast.fleet.presets import load_preset
from fleetcast.job_args.fleet import FleetJobArgs, LabelEvents
from fleetcast.jobs.main import JOBS, run

FLEETCAST = Path(sys.executable).with_name("fleetcast")


def label_events_args(store: str, **changes: object) -> FleetJobArgs:
    values = {**load_preset("micro").model_dump(exclude={"last_bars"}), "store": store, "dataset_rev": "0" * 20}
    return FleetJobArgs(**{**values, "cutoff": "2024-09-06T04:45:00Z", **changes}).with_run_key().for_job(LabelEvents)


def test_without_a_command_every_command_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    listed = capsys.readouterr().out
    assert all(command in listed for command in JOBS)


def test_an_unknown_command_ends_with_2_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train-everything", "--now"]) == 2
    assert "unknown command 'train-everything --now'" in capsys.readouterr().err.splitlines()[-1]


def test_a_wrong_value_names_the_flag_and_what_it_expects(capsys: pytest.CaptureFixture[str]) -> None:
    argv = label_events_args("file:///nowhere").to_argv()
    argv[argv.index("--n-columns") + 1] = "many"
    assert run(argv) == 2
    assert "--n-columns: Input should be a valid integer" in capsys.readouterr().err.splitlines()[-1]


def test_missing_arguments_are_counted_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["label-events", "--store", "file:///nowhere"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("label-events: --symbols: Field required; ")
    assert lines[-1].endswith("more")


def test_a_stage_whose_input_is_missing_says_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(label_events_args(tmp_path.as_uri()).to_argv()) == 1
    assert "has no manifest at" in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.rglob("*.npz"))


def test_another_run_key_is_refused_before_anything_is_computed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = label_events_args(tmp_path.as_uri()).model_copy(update={"run_key": "f" * 20})
    assert run(args.to_argv()) == 2
    assert "planned for other arguments or other code" in capsys.readouterr().err.splitlines()[-1]


def test_the_last_line_is_also_the_termination_message(tmp_path: Path) -> None:
    note = tmp_path / "termination-log"
    note.touch()
    environment = {"FLEETCAST_TERMINATION_LOG": str(note), "PATH": "/usr/bin:/bin"}
    ended = subprocess.run([FLEETCAST, "nonsense"], env=environment, capture_output=True, text=True)
    assert ended.returncode == 2
    assert note.read_text() == ended.stderr.splitlines()[-1]


def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    command = f"{FLEETCAST} labels count --json | head -n 1"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert ended.stdout.count("\n") == 1
    assert "Traceback" not in ended.stderr


def test_a_variable_that_does_not_fit_is_one_line_and_final(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLEETCAST_ENVIRONMENT", "prod")
    assert run(["status"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("status: FLEETCAST_ENVIRONMENT: Input should be 'local-dev'")
