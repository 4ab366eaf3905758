import time
from collections.abc import Callable

import pytest

from fake_nodes import PLACEMENT, fake_nodes
from fleetcast.fleet.presets import load_preset
from fleetcast.store.objects import Store
from live_runs import CUTOFF, Deployment, Run
from pod_history import watching
from process_fleet import train_with_processes, variant_outputs

SAMPLE = {"preset": "sample", "cutoff": CUTOFF}
VARIANTS = {variant.variant_id for variant in load_preset("sample").variants()}
MAX_PODS = 36  # of the pool `training` in the environment integration-test
MANY_PODS = 100
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def sample(deployment: Deployment, figure: Callable[..., None]) -> Run:
    """The whole fleet by 36 pods."""
    release = deployment.release
    cpu, start = release.cpu_seconds("scheduler"), time.monotonic()
    with watching(release.core, release.training) as history:
        run_id = deployment.trigger(**SAMPLE, variants_per_pod=60)
        folder = deployment.folder(run_id)
        status = deployment.wait(run_id, seconds=3 * 3600)
    figure(
        sample_seconds=round(time.monotonic() - start),
        scheduler_seconds_per_variant=round((release.cpu_seconds("scheduler") - cpu) / len(VARIANTS), 4),
        peak_pods=history.peaks["train-variants"],
    )
    return Run(run_id, status, folder, history)


def test_36_shards_train_or_skip_every_variant_and_never_more_pods_live_than_the_pool_allows(sample: Run) -> None:
    assert sample.status.state == "success", sample.status
    assert sample.folder.committed_variants() == VARIANTS
    totals = sample.folder.stage("family_bests").require().facts["totals"]
    assert totals["trained"] + totals["skipped"] == len(VARIANTS) == 2160
    shards = {pod.metadata.labels["fleetcast/shard"] for pod in sample.history.of("train-variants")}
    assert shards == {str(shard) for shard in range(36)}
    assert sample.history.peaks["train-variants"] <= MAX_PODS


def test_its_models_are_those_that_this_machine_trains(sample: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = Store(tmp_path_factory.mktemp("reference").as_uri())
    expected = train_with_processes(store, preset="sample", cutoff=CUTOFF, n_processes=2)
    assert variant_outputs(sample.folder) == variant_outputs(expected)


def test_one_pod_a_variant_ends_too_under_the_pools_cap(
    sample: Run, deployment: Deployment, figure: Callable[..., None]
) -> None:
    """The variants are there already, so that a pod that does nothing leaves what its task looks for."""
    release = deployment.release
    release.install(
        {"nodePools": {"training": {**PLACEMENT, "maxPods": MANY_PODS}}, "resourceQuota": {"hard": {"pods": "200"}}}
    )
    cpu, start = release.cpu_seconds("scheduler"), time.monotonic()
    with (
        fake_nodes(release.core, n_nodes=3, run_seconds=5.0),
        watching(release.core, release.training) as history,
    ):
        run_id = deployment.trigger(**SAMPLE, variants_per_pod=1)
        status = deployment.wait(run_id, seconds=6 * 3600)
    figure(
        pods_2160_seconds=round(time.monotonic() - start),
        pods_2160_scheduler_seconds_per_pod=round((release.cpu_seconds("scheduler") - cpu) / len(VARIANTS), 3),
        pods_2160_peak=history.peaks["train-variants"],
    )
    assert status.state == "success", status
    assert len(history.of("train-variants")) >= len(VARIANTS)
    assert history.peaks["train-variants"] <= MANY_PODS
