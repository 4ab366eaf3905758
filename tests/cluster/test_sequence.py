"""The sequence models' image in pods, on CPUs: 7 GB, so that it is built and loaded for the long form alone."""

import subprocess
import time
from collections.abc import Callable

import pytest

from fleetcast.store.manifests import REPORT_FILE, sequence_folder
from live_cluster import REPOSITORY
from live_runs import MICRO, Deployment
from pod_history import watching

DAG, IMAGE = "train_convlstm", "localhost/fleetcast-sequence"
SEARCH = {
    "mode": "tune",
    "preset": "sample",
    "cutoff": MICRO["cutoff"],
    "trials": 4,
    "workers": 2,
    "trial_epochs": 1,
    "seed": MICRO["seed"],
}
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def image() -> None:
    """In the cluster."""
    subprocess.run(["tests/cluster/load-images", "sequence"], cwd=REPOSITORY, check=True)


@pytest.mark.usefixtures("image")
def test_two_pods_share_a_search_and_its_best_is_judged(deployment: Deployment, figure: Callable[..., None]) -> None:
    release, start = deployment.release, time.monotonic()
    with watching(release.core, release.training) as history:
        run_id = deployment.trigger(DAG, **SEARCH)
        status = deployment.wait(run_id, seconds=3600, dag=DAG)
    figure(convlstm_search_seconds=round(time.monotonic() - start))
    assert status.state == "success", deployment.last_errors(run_id, status, dag=DAG)
    searching = history.of("tune-convlstm")
    assert len(searching) == 2
    training, judging = history.of("train-convlstm"), history.of("evaluate-convlstm")
    assert len(training) == len(judging) == 1
    for pod in (*searching, *training, *judging):
        (container,) = pod.spec.containers
        assert container.image.startswith(IMAGE)
        assert pod.spec.security_context.run_as_non_root
    store = release.store()
    committed = {
        stage: [
            folder.require()
            for key in store.list_folders("sequence")
            if (folder := sequence_folder(store, key, stage)).committed()
        ]
        for stage in ("study", "model", "evaluation")
    }
    (study,), (model,), (evaluation,) = committed.values()
    assert study.facts["n_by_state"]["complete"] == 4
    assert "CPU" in model.facts["device"]
    assert REPORT_FILE in evaluation.outputs
