import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleetcast.tracking.following import Clock
from fleetcast.tracking.projection import Projection
from fleetcast.tracking.target import TrackingTarget
from fleetcast.tracking.tracker import Tracker
from mlflow_server import MlflowServer
from synthetic_fleet import SyntheticFleet, fleet_args


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path_factory.mktemp("mlflow-server")).start()
    yield server
    server.stop()


@pytest.fixture
def fleet(tmp_path: Path) -> SyntheticFleet:
    return SyntheticFleet(fleet_args((tmp_path / "store").as_uri()))


@pytest.fixture(params=["database", "server"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> TrackingTarget:
    """Each way to reach MLflow; what holds for one must hold for the other."""
    if request.param == "database":
        found: TrackingTarget = request.getfixturevalue("database")
        return found
    server: MlflowServer = request.getfixturevalue("mlflow_server")
    return TrackingTarget(server.uri, f"experiment of {tmp_path.name}", "the test")


@dataclass
class PassingTime:
    """A clock that moves only when somebody waits, and then does what the test wants to happen meanwhile."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    @property
    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.now, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)
        self.meanwhile()


@pytest.fixture
def passing_time() -> PassingTime:
    return PassingTime()


@pytest.fixture
def new_tracker(target: TrackingTarget) -> Callable[[], Tracker]:
    return lambda: Tracker(target, now_ms=lambda: time.time_ns() // 1_000_000)


@pytest.fixture
def new_projection(fleet: SyntheticFleet, new_tracker: Callable[[], Tracker]) -> Callable[..., Projection]:
    """A process's view: each one is a fresh attempt that knows nothing of the others."""

    def make(dag_run_id: str = "manual__1", tracker: Tracker | None = None) -> Projection:
        return Projection(
            fleet.folder, fleet.args, tracker=tracker or new_tracker(), dag_run_id=dag_run_id, facts={"preset": "micro"}
        )

    return make
