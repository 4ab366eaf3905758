import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from faults import Faults
from fleetcast.errors import ServiceError
from fleetcast.fleet.presets import load_preset
from fleetcast.store.manifests import RunFolder
from gated_store import GatedStore
from live_cluster import wait_for
from live_runs import DAG, MICRO, Deployment
from pod_history import ENDED, watching
from process_fleet import variant_outputs

VARIANTS = {variant.variant_id for variant in load_preset("micro").variants()}
CHAOS = MICRO | {"variants_per_pod": 2}  # 18 pods
FAULTS_A_ROW = 5  # of one run: 80 at once leave a shard or other without retries, as they should
OF_PODS = [
    Faults.pod_killed_before_start,
    Faults.pod_killed_in_training,
    Faults.pod_killed_after_upload,
    Faults.pod_killed_after_commit,
    Faults.image_cannot_be_pulled,
]
OF_SERVICES = [
    Faults.triggerer_killed,
    Faults.kubernetes_answers_429,
    Faults.scheduler_killed,
    Faults.postgres_killed,
    Faults.quota_exhausted,
]
MORE = [
    Faults.api_server_killed,
    Faults.mlflow_killed,
    Faults.node_drained,
    Faults.node_drained_of_everything,
    Faults.store_away,
    Faults.kubernetes_answers_401,
]
Fault = Callable[[Faults], bool]


@dataclass
class Storm:
    """What a run with faults has shown."""

    state: str = ""
    failed: dict[str, str] = field(default_factory=dict)  # of each task that failed for good its last error
    injected: list[str] = field(default_factory=list)
    unbacked: list[str] = field(default_factory=list)  # tasks that were shown as a success and left no manifest
    commits: dict[str, int] = field(default_factory=dict)  # of each manifest's path
    run_key: str = ""
    seconds: float = 0.0


def raise_storm(deployment: Deployment, rows: list[list[Fault]]) -> Storm:
    """A small run from nothing, with faults: the rows go on beside each other, and in each one fault after another.

    What was injected is taken out of its row; what is left was too much for one run, or did not find its point before
    the run was over.
    """
    storm, release, start = Storm(), deployment.release, time.monotonic()
    with GatedStore(release) as gate, watching(release.core, release.training) as history:
        run_id = deployment.trigger(**CHAOS)

        def goes_on() -> bool:
            with suppress(ServiceError):
                return not release.airflow().run_status(DAG, run_id).is_over
            return True

        injector = Faults(release, gate=gate, history=history, goes_on=goes_on)

        def inject(row: list[Fault]) -> None:
            for fault in row[:FAULTS_A_ROW]:
                if not (goes_on() and fault(injector)):
                    return
                storm.injected.append(row.pop(0).__name__)
                with suppress(ServiceError):
                    storm.unbacked += deployment.unbacked_successes(run_id)

        with ThreadPoolExecutor(len(rows)) as pool:
            list(pool.map(inject, rows))
        status = deployment.wait(run_id, seconds=1800)
        storm.state, storm.failed = status.state, deployment.last_errors(run_id, status)
        storm.run_key = deployment.folder(run_id).run_key
        storm.unbacked += deployment.unbacked_successes(run_id)
        storm.commits = gate.commits()
    storm.seconds = time.monotonic() - start
    return storm


def weather(deployment: Deployment, expected: RunFolder, rows: list[list[Fault]]) -> tuple[Counter[str], float]:
    """Runs until all faults were injected, each run checked; returns how often each was, and the seconds."""
    injected, seconds = Counter[str](), 0.0
    while any(rows):
        forget_runs(deployment)
        storm = raise_storm(deployment, [row for row in rows if row])
        print(f"{storm.seconds:.0f} s: {storm.injected}", flush=True)
        check(storm, deployment, expected)
        injected.update(storm.injected)
        seconds += storm.seconds
    return injected, seconds


def check(storm: Storm, deployment: Deployment, expected: RunFolder) -> None:
    assert (storm.state, storm.failed) == ("success", {})
    folder = RunFolder(deployment.release.store(), storm.run_key)
    assert folder.committed_variants() == VARIANTS
    assert variant_outputs(folder) == variant_outputs(expected)
    assert storm.unbacked == []
    manifests = {path: count for path, count in storm.commits.items() if folder.path in path}
    assert sum("/variants/" in path for path in manifests) == len(VARIANTS)
    assert set(manifests.values()) == {1}

    def all_ended() -> bool:
        pods = deployment.release.pods(namespace=deployment.release.training)
        return all(pod.status.phase in ENDED for pod in pods)

    assert wait_for(all_ended, seconds=60, what="the end of all pods")


def forget_runs(deployment: Deployment) -> None:
    """Removes all results, so that a run that was there is computed again."""
    store = deployment.release.store()
    for path in list(store.list_objects("runs")):
        store.delete(path)


def test_faults_cost_time_and_nothing_else(
    deployment: Deployment, reference: "Future[RunFolder]", figure: Callable[..., None]
) -> None:
    injected, seconds = weather(deployment, reference.result(), [*([fault] for fault in OF_PODS), [*OF_SERVICES]])
    figure(faults=injected.total(), fault_seconds=round(seconds))
    assert injected == Counter(fault.__name__ for fault in (*OF_PODS, *OF_SERVICES))


@pytest.mark.long
def test_a_hundred_faults_cost_time_and_nothing_else(
    deployment: Deployment, reference: "Future[RunFolder]", figure: Callable[..., None]
) -> None:
    services = [*OF_SERVICES, *MORE]
    shuffled = random.Random(0).sample(services * 4, 4 * len(services))
    rows = [*([fault] * 12 for fault in OF_PODS), shuffled[::2], shuffled[1::2]]
    injected, seconds = weather(deployment, reference.result(), rows)
    figure(long_faults=dict(injected), long_fault_seconds=round(seconds))
    assert injected.total() >= 100
