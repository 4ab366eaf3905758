"""One release on the cluster that KUBECONFIG names, one small run in it, and the same run on this machine."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from live_cluster import Release
from live_runs import CUTOFF, MICRO, Deployment, Run
from pod_history import PodHistory, watching
from process_fleet import train_with_processes

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="fleetcast-airflow-"))
# One release serves all tests: those that look at a run that goes on come first, and the last remove the release.
ORDER = [
    "install",
    "images",
    "isolation",
    "training",
    "chaos",
    "scale",
    "sequence",
    "failures",
    "bad_input",
    "uninstall",
]
figures: dict[str, Any] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves the tests out where there is no cluster, and the long ones where nobody asks for them."""
    ours = [item for item in items if item.path.parent == Path(__file__).parent]
    ours.sort(key=lambda item: ORDER.index(item.path.stem.removeprefix("test_")))
    items[:] = [item for item in items if item not in ours] + ours
    for item in ours:
        if not os.environ.get("KUBECONFIG"):
            item.add_marker(pytest.mark.skip(reason="KUBECONFIG names no cluster"))
        elif item.get_closest_marker("long") and not os.environ.get("LONG"):
            item.add_marker(pytest.mark.skip(reason="the long form: make test-cluster LONG=1"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One JSON line with what was measured."""
    if figures:
        terminalreporter.write_line(json.dumps({"name": "cluster", **figures}))


@pytest.fixture(scope="session")
def figure() -> Callable[..., None]:
    """Notes what was measured, for the line at the end."""

    def note(**measured: Any) -> None:
        figures.update(measured)

    return note


@pytest.fixture(scope="session")
def deployment(figure: Callable[..., None]) -> Iterator[Deployment]:
    """The release, installed anew; with KEEP=1 it stays, and the next session with KEEP=1 takes what is there."""
    release = Release(os.environ.get("NAMESPACE", "fleetcast-test"))
    if not os.environ.get("KEEP"):
        release.remove()
    figure(install_seconds=round(release.install(), 1))
    yield Deployment(release)
    release.stop_forwards()
    if not os.environ.get("KEEP"):
        release.remove()


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Future[RunFolder]"]:
    """The small run on this machine; it goes on while the cluster is busy."""
    store = Store(tmp_path_factory.mktemp("reference").as_uri())
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(train_with_processes, store, preset="micro", cutoff=CUTOFF, seed=MICRO["seed"])


@pytest.fixture(scope="session")
def started(deployment: Deployment, reference: "Future[RunFolder]") -> Iterator[tuple[str, PodHistory]]:
    """A small run that has just been triggered, and what its pods do."""
    with watching(deployment.release.core, deployment.release.training) as history:
        yield deployment.trigger(**MICRO), history


@pytest.fixture(scope="session")
def micro(deployment: Deployment, started: tuple[str, PodHistory]) -> Run:
    """The small run at its end."""
    run_id, history = started
    folder = deployment.folder(run_id)
    return Run(run_id, deployment.wait(run_id, seconds=1800), folder, history)
