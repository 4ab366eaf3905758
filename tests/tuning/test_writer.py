import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest
import sqlalchemy as sa

from fleetcast.errors import ServiceError
from fleetcast.tuning.database import make_engine
from fleetcast.tuning.writer import Writer
from study_database import StudyDatabase


@pytest.fixture
def engine(study_database: StudyDatabase) -> Iterator[sa.Engine]:
    engine = make_engine(study_database.uri)
    yield engine
    engine.dispose()


@pytest.fixture
def writer(engine: sa.Engine) -> Iterator[Writer]:
    writer = Writer.take(engine)
    assert writer is not None
    yield writer
    writer.close()


def transaction_id(connection: sa.Connection) -> int:
    found: int = connection.execute(sa.text("SELECT pg_current_xact_id()::text::bigint")).scalar_one()
    return found


def refuse(connection: sa.Connection) -> None:
    connection.execute(sa.text("SELECT 1/0"))


def occupy(writer: Writer, until: threading.Event) -> "Future[None]":
    """A write that has begun, alone, and ends after the event."""
    begun = threading.Event()

    def write(_: sa.Connection) -> None:
        begun.set()
        assert until.wait(timeout=30)

    written = writer.submit(write)
    assert begun.wait(timeout=30)
    return written


def test_what_waits_meanwhile_is_committed_together(writer: Writer) -> None:
    go_on = threading.Event()
    first = occupy(writer, go_on)
    others = [writer.submit(transaction_id) for _ in range(5)]
    go_on.set()
    first.result(timeout=30)
    assert len({other.result(timeout=30) for other in others}) == 1


def test_a_failure_fails_what_waits_with_it_and_all_that_follows(writer: Writer) -> None:
    go_on = threading.Event()
    occupy(writer, go_on)
    together = [writer.submit(transaction_id), writer.submit(refuse)]
    go_on.set()
    for written in (*together, writer.submit(transaction_id)):
        with pytest.raises(ServiceError, match="division by zero"):
            written.result(timeout=30)


def test_one_process_alone_has_a_writer_and_leaves_it_to_the_next(writer: Writer, engine: sa.Engine) -> None:
    assert Writer.take(engine) is None
    writer.close()
    following = Writer.take(engine)
    assert following is not None
    following.close()


def test_what_waits_is_written_before_the_end(engine: sa.Engine) -> None:
    writer = Writer.take(engine)
    assert writer is not None
    written = writer.submit(transaction_id)
    writer.close()
    assert written.result(timeout=0) > 0
    with pytest.raises(ServiceError, match="the study service ends"):
        writer.submit(transaction_id).result(timeout=0)


def test_a_lost_connection_fails_what_waits(writer: Writer, engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"))
    with pytest.raises(ServiceError, match="the study database did not answer"):
        writer.submit(transaction_id).result(timeout=30)
