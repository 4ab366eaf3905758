import threading

import optuna
import psycopg2
import pytest

from fleetcast.errors import ConfigurationError, ServiceError
from fleetcast.tuning.database import POOL_SIZE, create_tables, open_storage
from study_database import StudyDatabase


def test_tables_that_are_there_are_kept(study_database: StudyDatabase) -> None:
    optuna.create_study(study_name="kept", storage=study_database.uri)
    create_tables(study_database.uri)
    assert "kept" in optuna.get_all_study_names(study_database.uri)


def test_many_that_make_the_tables_at_once_do_not_break_each_other(study_database: StudyDatabase) -> None:
    connection = psycopg2.connect(study_database.uri.replace("+psycopg2", ""))
    with connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connection.close()
    failures: list[Exception] = []

    def make() -> None:
        try:
            create_tables(study_database.uri)
        except Exception as exc:
            failures.append(exc)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert optuna.get_all_study_names(study_database.uri) == []


def test_the_pool_never_exceeds_its_size(study_database: StudyDatabase) -> None:
    storage = open_storage(study_database.uri)
    connections = [storage.engine.connect() for _ in range(POOL_SIZE)]
    assert storage.engine.pool.overflow() == 0  # type: ignore[attr-defined]
    for connection in connections:
        connection.close()
    storage.engine.dispose()


@pytest.mark.parametrize(
    ("url", "problem"),
    [("optuna", "is no URL of a database"), ("sqlite:///studies.db", "names 'sqlite': expected postgresql")],
)
def test_what_is_no_postgres_is_refused_without_showing_the_url(url: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        create_tables(url)
    with pytest.raises(ConfigurationError, match=problem):
        open_storage(url)


def test_a_database_that_is_away_is_a_service_error() -> None:
    with pytest.raises(ServiceError, match=r"the study database did not answer as expected: .*refused"):
        create_tables("postgresql+psycopg2://somebody:secret@127.0.0.1:1/optuna")
