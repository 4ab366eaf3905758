"""One Postgres for all tests of tuning; each test has studies of its own in it."""

from collections.abc import Callable, Iterator

import pytest

from fleetcast.tuning.client import StudyClient
from fleetcast.tuning.database import create_tables, open_storage
from fleetcast.tuning.messages import StudySpec
from fleetcast.tuning.space import load_space
from fleetcast.tuning.study_keeper import StudyKeeper
from hand_clock import HandClock
from study_database import StudyDatabase
from study_service import TOKEN, StudyService

LEASE_SECONDS = 30.0


@pytest.fixture(scope="session")
def study_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudyDatabase]:
    database = StudyDatabase(tmp_path_factory.mktemp("study-database")).start()
    create_tables(database.uri)
    yield database
    database.stop()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def new_keeper(study_database: StudyDatabase, clock: HandClock) -> Iterator[Callable[[], StudyKeeper]]:
    """A service's inside; a second one takes over when the first is closed."""
    made: list[StudyKeeper] = []

    def make() -> StudyKeeper:
        keeper = StudyKeeper(open_storage(study_database.uri), lease_seconds=LEASE_SECONDS, clock=clock)
        made.append(keeper)
        keeper.tick()
        return keeper

    yield make
    for keeper in made:
        keeper.close()


@pytest.fixture
def keeper(new_keeper: Callable[[], StudyKeeper]) -> StudyKeeper:
    return new_keeper()


@pytest.fixture
def spec(request: pytest.FixtureRequest) -> StudySpec:
    """A study that no other test has."""
    return StudySpec(stage="test", data=request.node.nodeid[-200:], space=load_space("broad"))


@pytest.fixture(scope="module")
def service(study_database: StudyDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudyService]:
    """One a module: no other service may have the database meanwhile."""
    service = StudyService(tmp_path_factory.mktemp("service"), study_database.uri, lease_seconds=2.0).start()
    yield service
    service.stop()


@pytest.fixture
def client(service: StudyService) -> Iterator[StudyClient]:
    with StudyClient(service.url, token=TOKEN) as client:
        yield client
