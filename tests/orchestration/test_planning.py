from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from fleetcast.errors import ConfigurationError, StoreError
from fleetcast.fleet.presets import load_preset
from fleetcast.job_args.fleet import FleetJobArgs, LogRuns, TakeSnapshot, TrainVariants
from fleetcast.job_args.tuning import RunTrials, TrainProduction
from fleetcast.orchestration.commands import read_arguments
from fleetcast.orchestration.planning import (
    check_n_shards,
    close_run,
    family_shards,
    plan_run,
    request_name,
    snapshot_arguments,
)
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store

MakeContext = Callable[..., dict[str, Any]]
Take = Callable[[dict[str, Any]], None]
MONDAY = datetime(2026, 3, 2, 6, tzinfo=UTC)
WRONG_PARAMETERS = [
    ({"windows": [5]}, "windows: Extra inputs are not permitted"),
    ({"preset": "huge"}, "unknown preset 'huge': expected one of"),
    ({"window_bars": [5, 5]}, "window_bars: Value error, a value stands twice"),
    ({"window_bars": [0]}, r"window_bars.0: Input should be greater than or equal to 1 \(got 0\)"),
    ({"cutoff": "2026-03-02T10:00:00"}, "cutoff: Input should have timezone info"),
    ({"seed": "many"}, "seed: Input should be a valid integer"),
    ({"tuning_trials": 0}, r"tuning_trials: Input should be greater than or equal to 1 \(got 0\)"),
    ({"tuning_cpu_seconds": 0}, r"tuning_cpu_seconds: Input should be greater than 0 \(got 0\)"),
    ({"tuning_space": "wide"}, "tuning_space: Input should be 'broad' or 'listed'"),
]


def test_the_snapshot_is_asked_for_the_presets_symbols_up_to_the_runs_cutoff(make_context: MakeContext) -> None:
    args = read_arguments(snapshot_arguments(make_context(preset="micro", data_interval_end=MONDAY)))
    assert isinstance(args, TakeSnapshot)
    assert args.symbols == load_preset("micro").symbols
    assert args.last_bars == load_preset("micro").last_bars
    assert args.cutoff == MONDAY


def test_a_retry_asks_for_the_same_snapshot_and_another_run_for_another(make_context: MakeContext) -> None:
    first, again, other = (make_context(run_id=run_id) for run_id in ("manual__a:b", "manual__a:b", "manual__a-b"))
    assert request_name(first) == request_name(again)
    assert request_name(first) != request_name(other)


def test_another_environment_asks_for_another_snapshot(
    make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_context()
    here = request_name(context)
    monkeypatch.setenv("FLEETCAST_ENVIRONMENT", "staging")
    assert request_name(context) != here


@pytest.mark.parametrize(("params", "message"), WRONG_PARAMETERS)
def test_a_wrong_parameter_fails_at_once_with_one_line(
    make_context: MakeContext, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(AirflowFailException, match=message) as raised:
        snapshot_arguments(make_context(**params))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("params", "message"), WRONG_PARAMETERS)
def test_the_plan_refuses_what_the_form_let_through(
    make_context: MakeContext, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(AirflowFailException, match=message):
        plan_run(make_context(**params))


def test_the_plan_waits_for_the_snapshots_manifest(make_context: MakeContext) -> None:
    with pytest.raises(StoreError, match=r"has no manifest at .*: run it first"):
        plan_run(make_context())


def test_every_planned_command_line_reads_back_as_it_was_planned(make_context: MakeContext, taken: Take) -> None:
    context = make_context(preset="micro", seed=7, variants_per_pod=10)
    taken(context)
    shards = plan_run(context)
    commands = {key: value for key, value in context["ti"].xcoms.items() if key != "run_key"}
    assert shards == [0, 1, 2, 3]
    assert len(commands) == 9
    for command, argv in commands.items():
        args = read_arguments(argv)
        assert args.command == command
        assert args.to_argv() == argv
        assert isinstance(args, FleetJobArgs)
        assert args.run_key == context["ti"].xcoms["run_key"]
        assert args.seed == 7
        args.check_run_key()


def test_the_plan_holds_the_effective_cutoff_and_not_the_requested_one(make_context: MakeContext, taken: Take) -> None:
    context = make_context(data_interval_end=MONDAY)
    taken(context)
    plan_run(context)
    args = read_arguments(context["ti"].xcoms[LogRuns.command])
    assert isinstance(args, LogRuns)
    assert args.cutoff == datetime(2026, 3, 2, tzinfo=UTC)
    assert args.dag_run_id == "manual__2026"
    assert args.follow


def test_the_plan_is_committed_with_what_it_planned(make_context: MakeContext, taken: Take, store: Store) -> None:
    context = make_context(preset="micro", variants_per_pod=10)
    taken(context)
    plan_run(context)
    facts = RunFolder(store, context["ti"].xcoms["run_key"]).stage("plan").require().facts
    assert (facts["preset"], facts["n_variants"], facts["n_shards"]) == ("micro", 36, 4)
    assert facts["dag_run_id"] == "manual__2026"


def test_placement_does_not_change_the_run_key(make_context: MakeContext, taken: Take) -> None:
    keys = []
    for variants_per_pod in (1, 1080):
        context = make_context(variants_per_pod=variants_per_pod, preset="micro")
        if not keys:
            taken(context)
        plan_run(context)
        keys.append(context["ti"].xcoms["run_key"])
    assert keys[0] == keys[1]


def test_a_shard_is_put_into_the_training_commands_arguments(make_context: MakeContext, taken: Take) -> None:
    context = make_context(preset="micro", variants_per_pod=10)
    taken(context)
    plan_run(context)
    args = read_arguments(context["ti"].xcoms[TrainVariants.command], shard=3)
    assert isinstance(args, TrainVariants)
    assert (args.shard, args.variants_per_pod) == (3, 10)


def test_more_shards_than_airflow_maps_are_refused_with_the_setting_to_change(
    make_context: MakeContext, taken: Take
) -> None:
    context = make_context(variants_per_pod=1)
    taken(context)
    with pytest.raises(AirflowFailException, match=r"2160 shards.*at most 1024 \(\[core\] max_map_length\).*MAX_MAP"):
        plan_run(context)


def test_as_many_shards_as_airflow_maps_are_fine() -> None:
    check_n_shards(1024, limit=1024)
    with pytest.raises(ConfigurationError, match="1025 shards"):
        check_n_shards(1025, limit=1024)


def test_the_deployment_says_on_which_device_and_another_device_is_another_run(
    make_context: MakeContext, taken: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_keys = set()
    for device in ("cpu", "gpu"):
        monkeypatch.setenv("FLEETCAST_LIGHTGBM_DEVICE", device)
        context = make_context(preset="micro")
        taken(context)
        plan_run(context)
        args = read_arguments(context["ti"].xcoms[TrainVariants.command])
        assert isinstance(args, TrainVariants)
        assert args.lightgbm_device == device
        run_keys.add(args.run_key)
    assert len(run_keys) == 2


def test_a_run_that_is_over_without_its_report_is_noted_until_it_is_planned_again(
    make_context: MakeContext, taken: Take, store: Store
) -> None:
    context = make_context(preset="micro")
    taken(context)
    plan_run(context)
    run = RunFolder(store, context["ti"].xcoms["run_key"])
    with pytest.raises(AirflowFailException, match="the run has ended without its report"):
        close_run(context)
    assert run.has_ended("manual__2026")
    assert not run.has_ended("manual__2027")
    plan_run(context)
    assert not run.has_ended("manual__2026")


def test_a_run_with_its_report_is_closed_without_a_note(make_context: MakeContext, taken: Take, store: Store) -> None:
    context = make_context(preset="micro")
    taken(context)
    plan_run(context)
    run = RunFolder(store, context["ti"].xcoms["run_key"])
    run.stage("report").commit()
    close_run(context)
    assert not run.has_ended("manual__2026")


def test_a_run_that_was_never_planned_has_nothing_to_close(make_context: MakeContext, store: Store) -> None:
    close_run(make_context())
    assert list(store.list_objects("")) == []


@pytest.fixture
def studies(monkeypatch: pytest.MonkeyPatch) -> None:
    """A study service for processes."""
    monkeypatch.setenv("FLEETCAST_RUNTIME", "process")
    monkeypatch.setenv("FLEETCAST_STUDIES_URL", "http://studies:8090")
    monkeypatch.setenv("FLEETCAST_STUDIES_TOKEN", "a token")


@pytest.mark.usefixtures("studies")
def test_a_run_that_tunes_plans_each_stage_and_what_comes_after(make_context: MakeContext, taken: Take) -> None:
    context = make_context(tune=True, tuning_space="listed", tuning_cpu_seconds=90.5, families_per_pod=10)
    taken(context)
    plan_run(context)
    commands = {key: value for key, value in context["ti"].xcoms.items() if key != "run_key"}
    stages = [f"{job}-{stage}" for stage in (2, 3, 4) for job in ("plan-tuning", "run-trials", "close-tuning")]
    after = ["judge-holdout", "select-production-columns", "train-production", "register-models"]
    assert list(commands)[9:] == stages + after
    for argv in commands.values():
        args = read_arguments(argv)
        assert isinstance(args, FleetJobArgs)
        assert (args.tune, args.tuning_space, args.tuning_cpu_seconds) == (True, "listed", 90.5)
        args.check_run_key()
    trials = read_arguments(commands["run-trials-3"])
    assert isinstance(trials, RunTrials)
    assert (trials.stage, trials.studies_per_pod) == (3, 10)
    models = read_arguments(commands["train-production"])
    assert isinstance(models, TrainProduction)
    assert models.families_per_pod == 10


@pytest.mark.usefixtures("studies")
def test_families_have_shards_in_a_run_that_tunes_alone(make_context: MakeContext) -> None:
    assert family_shards(make_context(tune=True, families_per_pod=10)) == [0, 1, 2, 3]
    assert family_shards(make_context(tune=False, families_per_pod=10)) == []


@pytest.mark.usefixtures("studies")
def test_what_tuning_would_be_makes_no_other_run_of_one_that_does_not_tune(
    make_context: MakeContext, taken: Take
) -> None:
    run_keys = []
    for params in (
        {},
        {"tuning_trials": 5, "tuning_space": "listed"},
        {"tune": True},
        {"tune": True, "tuning_trials": 5},
    ):
        context = make_context(preset="micro", **params)
        taken(context)
        plan_run(context)
        run_keys.append(context["ti"].xcoms["run_key"])
    assert run_keys[0] == run_keys[1]
    assert len(set(run_keys)) == 3


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({"RUNTIME": "process"}, "no FLEETCAST_STUDIES_URL and no FLEETCAST_STUDIES_TOKEN"),
        ({"RUNTIME": "process", "STUDIES_URL": "http://studies:8090"}, "no FLEETCAST_STUDIES_TOKEN"),
        ({"RUNTIME": "process", "STUDIES_TOKEN": "a token"}, "no FLEETCAST_STUDIES_URL"),
        ({"RUNTIME": "kubernetes"}, "no FLEETCAST_STUDIES_URL and no FLEETCAST_STUDIES_TOKEN"),
        (
            {"RUNTIME": "kubernetes", "POD_ENVIRONMENT": '{"FLEETCAST_STUDIES_URL": "http://studies:8090"}'},
            "no FLEETCAST_STUDIES_TOKEN",
        ),
    ],
)
def test_tuning_without_a_study_service_fails_at_once_with_one_line(
    make_context: MakeContext,
    taken: Take,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    missing: str,
) -> None:
    for name in ("URL", "TOKEN"):
        monkeypatch.delenv(f"FLEETCAST_STUDIES_{name}", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(f"FLEETCAST_{name}", value)
    context = make_context(preset="micro", tune=True)
    taken(context)
    with pytest.raises(AirflowFailException, match=f"the jobs have {missing}: deploy the service") as raised:
        plan_run(context)
    assert "\n" not in str(raised.value)
    assert context["ti"].xcoms == {}
    plan_run(make_context(preset="micro", tune=False))
