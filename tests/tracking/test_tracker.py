import time
from collections.abc import Callable

import pytest
from mlflow.tracking import MlflowClient

from fleetcast.errors import ConfigurationError, ServiceError
from fleetcast.tracking.records import RunRecord
from fleetcast.tracking.target import TrackingTarget
from fleetcast.tracking.tracker import Tracker
from mlflow_server import MlflowServer, free_port


def tracker_of(target: TrackingTarget) -> Tracker:
    return Tracker(target, now_ms=lambda: time.time_ns() // 1_000_000)


def record(key: str = "a-run-key/a-variant/0123") -> RunRecord:
    tags = {"fleetcast.idempotency_key": key, "fleetcast.kind": "variant", "run_key": "a-run-key"}
    return RunRecord(key=key, name="a run", tags=tags, parameters={"p": "1"}, metrics={"m": 0.5}, seconds=2.5)


def test_server_that_is_down_is_said_with_its_address_and_what_to_do() -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    began = time.monotonic()
    with pytest.raises(ServiceError, match=rf"MLflow at {uri} \(from the test\) failed to open.*Connection refused"):
        tracker_of(TrackingTarget(uri, "experiment", "the test")).open()
    assert time.monotonic() - began < 20
    with pytest.raises(ServiceError, match=r"Training goes on.*clear the task log_runs.*nothing is lost"):
        tracker_of(TrackingTarget(uri, "experiment", "the test")).open()


def test_password_of_a_server_is_not_said() -> None:
    target = TrackingTarget(f"http://user:secret@127.0.0.1:{free_port()}", "experiment", "the test")
    with pytest.raises(ServiceError, match=r"MLflow at http://127\.0\.0\.1:\d+ ") as caught:
        tracker_of(target).open()
    assert "secret" not in str(caught.value)


def test_address_of_something_else_is_a_configuration_error(mlflow_server: MlflowServer) -> None:
    target = TrackingTarget(f"{mlflow_server.uri}/not-mlflow", "experiment", "the test")
    with pytest.raises(ConfigurationError, match="refuses to open the experiment"):
        tracker_of(target).open()


def test_deleted_experiment_is_refused(database: TrackingTarget) -> None:
    client = MlflowClient(tracking_uri=database.uri)
    client.delete_experiment(client.create_experiment("experiment"))
    with pytest.raises(ConfigurationError, match=r"'experiment'.*was deleted: restore it"):
        tracker_of(database).open()


def test_database_behind_a_server_is_refused_where_artifacts_need_the_server(database: TrackingTarget) -> None:
    MlflowClient(tracking_uri=database.uri).create_experiment("experiment", artifact_location="mlflow-artifacts:/1")
    with pytest.raises(ConfigurationError, match="give that server's http address"):
        tracker_of(database).open()


def test_artifacts_lie_beside_the_database_file(database: TrackingTarget) -> None:
    tracker = tracker_of(database)
    tracker.open()
    location = tracker.client.get_experiment(tracker.experiment_id).artifact_location
    assert location.endswith("/mlflow/artifacts")


def test_finishing_twice_changes_nothing(new_tracker: Callable[[], Tracker]) -> None:
    tracker = new_tracker()
    tracker.open()
    run = tracker.create(record())
    tracker.finish(run, record())
    once = tracker.client.get_run(run.run_id)
    tracker.finish(run, record())
    twice = tracker.client.get_run(run.run_id)
    assert twice.to_dictionary() == once.to_dictionary()
    assert len(tracker.client.get_metric_history(run.run_id, "m")) == 1
    assert (twice.info.end_time - twice.info.start_time) == 2500


def test_find_tells_whether_a_run_is_finished(new_tracker: Callable[[], Tracker]) -> None:
    tracker = new_tracker()
    tracker.open()
    run = tracker.create(record())
    assert [found.is_finished for found in tracker.find(run.key)] == [False]
    tracker.finish(run, record())
    assert [found.is_finished for found in tracker.find(run.key)] == [True]
    assert tracker.find("another key") == []


def test_search_goes_over_all_pages(database: TrackingTarget) -> None:
    tracker = tracker_of(database)
    tracker.open()
    for index in range(7):
        tracker.create(record(key=f"key {index}"))
    paged = Tracker(database, now_ms=lambda: 0, page_size=3)
    paged.open()
    assert {run.key for run in paged.find_all("a-run-key", kind="variant")} == {f"key {index}" for index in range(7)}
