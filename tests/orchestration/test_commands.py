from typing import Any

import pytest

from fleetcast.errors import ConfigurationError, StoreError
from fleetcast.job_args.base import JobArgs
from fleetcast.job_args.fleet import (
    ComputeFeatures,
    FleetJobArgs,
    LogRuns,
    TakeSnapshot,
    TrainVariants,
    WriteReport,
)
from fleetcast.job_args.tuning import RunTrials, TrainProduction
from fleetcast.orchestration.commands import JOBS, check_results, read_arguments, result_folders
from fleetcast.store.manifests import RunFolder, StageFolder
from fleetcast.store.objects import Store

OwnArguments = dict[type[JobArgs], dict[str, Any]]


def test_a_command_that_no_task_runs_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="unknown command 'labels': expected one of"):
        read_arguments(["labels", "count"])


def plan_studies(shared: FleetJobArgs, *studies: str, stage: int = 2, by_hand: str | None = None) -> RunFolder:
    """A stage's plan as the job commits it, as far as Airflow reads it."""
    run = RunFolder(Store(shared.store), shared.run_key)
    run.tuning_plan(stage, by_hand=by_hand).commit(facts={"studies": [{"study": study} for study in studies]})
    return run


def test_every_job_of_the_fleet_leaves_a_manifest(shared: FleetJobArgs, own_arguments: OwnArguments) -> None:
    plan_studies(shared, "a")
    paths = []
    for job in [job for job in JOBS.values() if job is TakeSnapshot or issubclass(job, FleetJobArgs)]:
        if job is TakeSnapshot:
            args = TakeSnapshot(store=shared.store, request="r", symbols=("btc",))
        else:
            args = shared.for_job(job, **own_arguments.get(job, {}))
        assert result_folders(args)
        paths += [folder.path for folder in result_folders(args)]
    assert len(set(paths)) == len(paths)


def test_trials_are_over_when_each_study_of_the_shard_is(shared: FleetJobArgs) -> None:
    args = shared.for_job(RunTrials, stage=2, shard=1, studies_per_pod=2)
    with pytest.raises(StoreError, match="stage 'plan' has no manifest"):
        check_results(args)
    run = plan_studies(shared, "a", "b", "c", "d", "e")
    run.study("c").commit()
    with pytest.raises(StoreError, match=f"1 manifests are missing, such as runs/{shared.run_key}/studies/d/manifest"):
        check_results(args)
    run.study("d").commit()
    check_results(args)


def test_pods_beyond_a_stages_shards_share_the_first_ones_studies(shared: FleetJobArgs) -> None:
    plan_studies(shared, "a", "b", "c")
    found = []
    for shard in range(4):
        args = shared.for_job(RunTrials, stage=2, shard=shard, studies_per_pod=2)
        found.append([folder.stage for folder in result_folders(args)])
    assert found == [["a", "b"], ["c"], ["a", "b"], ["c"]]


def test_trials_by_hand_are_another_plans(shared: FleetJobArgs) -> None:
    plan_studies(shared, "a", stage=3)
    plan_studies(shared, "own", stage=3, by_hand="btc-w5-high-1")
    args = shared.for_job(RunTrials, stage=3, by_hand="btc-w5-high-1", shard=0, studies_per_pod=1)
    assert [folder.stage for folder in result_folders(args)] == ["own"]


def test_a_fleet_with_nothing_to_tune_has_no_trials_to_wait_for(shared: FleetJobArgs) -> None:
    plan_studies(shared)
    check_results(shared.for_job(RunTrials, stage=2, shard=0, studies_per_pod=2))


def test_each_production_model_of_a_shard_is_looked_for(shared: FleetJobArgs) -> None:
    args = shared.for_job(TrainProduction, shard=1, families_per_pod=1)
    assert [folder.stage for folder in result_folders(args)] == ["btc-w5-low"]


def test_shard_and_worker_are_put_into_the_arguments(shared: FleetJobArgs) -> None:
    argv = shared.for_job(RunTrials, stage=3, shard=0, studies_per_pod=2).to_argv()
    args = read_arguments(argv, shard=4, worker=1)
    assert isinstance(args, RunTrials)
    assert (args.shard, args.worker, args.stage) == (4, 1, 3)


@pytest.mark.parametrize(
    ("job", "stage"), [(ComputeFeatures, "features"), (WriteReport, "report"), (LogRuns, "tracking")]
)
def test_a_stage_without_its_manifest_did_not_succeed(
    shared: FleetJobArgs, store: Store, job: type[FleetJobArgs], stage: str
) -> None:
    args = shared.for_job(job)
    with pytest.raises(StoreError, match=f"1 manifests are missing, such as runs/{shared.run_key}/{stage}/manifest"):
        check_results(args)
    RunFolder(store, shared.run_key).stage(stage).commit()
    check_results(args)


def test_a_snapshot_is_there_under_its_requests_name(store: Store) -> None:
    args = TakeSnapshot(store=store.uri, request="local-dev-1", symbols=("btc",))
    with pytest.raises(StoreError, match=r"requests/local-dev-1/manifest\.json"):
        check_results(args)
    StageFolder(store, "requests/local-dev-1", key="local-dev-1").commit()
    check_results(args)


def test_a_shard_needs_all_its_variants_and_no_other(shared: FleetJobArgs, store: Store) -> None:
    args = shared.for_job(TrainVariants, shard=1, variants_per_pod=3)
    run = RunFolder(store, shared.run_key)
    own = [variant.variant_id for variant in shared.variants_in_shard(1, variants_per_pod=3)]
    for variant_id in own[:-1]:
        run.variant(variant_id).commit()
    with pytest.raises(StoreError, match=f"train-variants ended, but 1 manifests are missing.*{own[-1]}"):
        check_results(args)
    run.variant(own[-1]).commit()
    check_results(args)
