from concurrent.futures import Future

from fleetcast.fleet.presets import load_preset
from fleetcast.store.manifests import RunFolder
from live_cluster import wait_for
from live_runs import MICRO, Deployment, Run
from process_fleet import variant_outputs

VARIANTS = {variant.variant_id for variant in load_preset("micro").variants()}
N_SHARDS = 3
SINGLE_JOBS = (
    "take-snapshot",
    "certify-features",
    "compute-features",
    "label-events",
    "select-columns",
    "choose-family-bests",
    "write-report",
    "log-runs",
)


def test_every_variant_is_trained_or_skipped_and_the_report_is_there(micro: Run) -> None:
    assert micro.status.state == "success", micro.status
    assert micro.folder.committed_variants() == VARIANTS
    totals = micro.folder.stage("family_bests").require().facts["totals"]
    assert totals["trained"] + totals["skipped"] == totals["variants"] == len(VARIANTS)
    assert micro.folder.stage("report").committed()
    assert micro.folder.stage("tracking").committed()


def test_models_equal_those_that_this_machine_trains(micro: Run, reference: "Future[RunFolder]") -> None:
    expected = reference.result(timeout=1800)
    assert variant_outputs(micro.folder) == variant_outputs(expected)
    bests = expected.stage("family_bests").require()
    assert micro.folder.stage("family_bests").require().outputs == bests.outputs


def test_every_task_is_one_pod_that_is_labelled_and_deleted_when_it_succeeds(
    micro: Run, deployment: Deployment
) -> None:
    for job in SINGLE_JOBS:
        assert len(micro.history.of(job)) == 1, job
    labels = [pod.metadata.labels for pod in micro.history.of("train-variants")]
    assert sorted(found["fleetcast/shard"] for found in labels) == [str(shard) for shard in range(N_SHARDS)]
    assert {found["fleetcast/run-key"] for found in labels} == {micro.folder.run_key}
    owners = [
        owner
        for job in (*SINGLE_JOBS, "train-variants")
        for pod in micro.history.of(job)
        for owner in pod.metadata.owner_references
    ]
    assert {owner.name for owner in owners} == {f"{deployment.release.fullname}-trainer"}

    def gone() -> bool:
        left = deployment.release.pods(namespace=deployment.release.training)
        return not any(pod.metadata.name in micro.history.pods for pod in left)

    assert wait_for(gone, seconds=30, what="an empty namespace")


def test_logs_reach_the_store_with_what_the_pod_said_and_no_worker_waited(micro: Run, deployment: Deployment) -> None:
    parts = deployment.logs(micro.run_id, "train_variants")
    deferrals = [part for part in parts if "Pausing task as DEFERRED" in part]
    assert len(deferrals) == N_SHARDS
    assert sum("12 variants: 0 already committed" in part for part in parts) == N_SHARDS
    for job in (*SINGLE_JOBS, "plan"):
        assert deployment.logs(micro.run_id, job.replace("-", "_")), job


def test_variants_at_a_time_are_the_pods_cpu_limit_and_not_the_nodes_cores(micro: Run, deployment: Deployment) -> None:
    (limit,) = {pod.spec.containers[0].resources.limits["cpu"] for pod in micro.history.of("train-variants")}
    said = f"{MICRO['variants_per_pod']} variants, {limit} processes"
    assert any(said in part for part in deployment.logs(micro.run_id, "train_variants"))
