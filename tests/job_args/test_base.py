from datetime import UTC, datetime
from typing import Any

import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.fleet.presets import load_preset
from fleetcast.job_args.base import JobArgs
from fleetcast.job_args.fleet import FleetJobArgs, LogRuns, TakeSnapshot, TrainVariants
from fleetcast.job_args.looking import LabelsCount
from fleetcast.job_args.tuning import RunTrials
from fleetcast.jobs.main import JOBS, find_job

CUTOFF = datetime(2024, 9, 6, 4, 45, tzinfo=UTC)


def fleet_args(**changes: Any) -> FleetJobArgs:
    values = {**load_preset("sample").model_dump(exclude={"last_bars"}), "store": "s3://bucket/a b"}
    return FleetJobArgs(**{**values, "dataset_rev": "abc", "cutoff": CUTOFF, **changes}).with_run_key()


EXAMPLES: list[JobArgs] = [
    TakeSnapshot(store="file:///a b", request="manual__2024-09-06T04:45:00+00:00", symbols=("btc",), cutoff=CUTOFF),
    fleet_args().for_job(TrainVariants, shard=3, variants_per_pod=60, time_limit_seconds=5),
    fleet_args().for_job(LogRuns, follow=True, tracking_uri="http://mlflow:5000"),
    fleet_args(tune=True).for_job(RunTrials, stage=3, shard=0, studies_per_pod=36),
    LabelsCount(bars="my bars", json=True),
]


@pytest.mark.parametrize("args", EXAMPLES, ids=lambda args: args.command)
def test_arguments_come_back_from_their_command_line_unchanged(args: JobArgs) -> None:
    argv = args.to_argv()
    assert find_job(argv) is type(args)
    assert type(args).from_argv(argv) == args


def test_commands_are_named_like_their_classes() -> None:
    for command, job in JOBS.items():
        assert "".join(part.capitalize() for part in command.replace(" ", "-").split("-")) == job.__name__
        assert job.__doc__


@pytest.mark.parametrize("command", JOBS)
def test_the_usage_line_names_the_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        JOBS[command].from_argv([*command.split(), "--help"])
    assert capsys.readouterr().out.startswith(f"usage: fleetcast {command} [-h]")


def test_instants_are_utc_whatever_the_zone_they_come_in() -> None:
    assert fleet_args(cutoff="2024-09-06T06:45:00+02:00").run_key == fleet_args().run_key


def test_placement_does_not_change_the_run_key() -> None:
    key = fleet_args().run_key
    assert fleet_args(store="file:///elsewhere").run_key == key
    assert fleet_args().for_job(TrainVariants, shard=0, variants_per_pod=1).compute_run_key() == key


@pytest.mark.parametrize("change", [{"seed": 1}, {"n_columns": 99}, {"dataset_rev": "abd"}, {"symbols": ("btc",)}])
def test_what_decides_the_computation_changes_the_run_key(change: dict[str, Any]) -> None:
    assert fleet_args(**change).run_key != fleet_args().run_key


def test_a_run_key_of_other_code_is_refused() -> None:
    args = fleet_args().model_copy(update={"run_key": "0" * 20})
    with pytest.raises(ConfigurationError, match="planned for other arguments or other code"):
        args.check_run_key()
