import pytest

from fleetcast.errors import ConfigurationError, StoreError
from fleetcast.job_args.fleet import (
    ComputeFeatures,
    FleetJobArgs,
    LogRuns,
    TakeSnapshot,
    TrainVariants,
    WriteReport,
)
from fleetcast.orchestration.commands import JOBS, check_results, read_arguments, result_folders
from fleetcast.store.manifests import RunFolder, StageFolder
from fleetcast.store.objects import Store


def test_a_command_that_no_task_runs_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="unknown command 'labels': expected one of"):
        read_arguments(["labels", "count"])


def test_every_job_of_the_fleet_leaves_a_manifest(shared: FleetJobArgs) -> None:
    for job in JOBS.values():
        if job is TakeSnapshot:
            args = TakeSnapshot(store=shared.store, request="r", symbols=("btc",))
        else:
            args = shared.for_job(job, **({"shard": 0, "variants_per_pod": 3} if job is TrainVariants else {}))
        assert result_folders(args)


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
