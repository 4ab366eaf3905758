import io
from typing import Any

import pytest
from rich.console import Console

from fleetcast.errors import ServiceError
from fleetcast.local.airflow_client import RunStatus
from fleetcast.local.fleet_run import FleetRun
from fleetcast.store.manifests import RunFolder, name_request, request_folder
from fleetcast.store.objects import Store

RUNNING = RunStatus("running", ("train_variants",), (), ())
DONE = RunStatus("success", (), (), ())
LOST = RunStatus("running", ("log_runs",), (("train_variants", 1, 3),), ("choose_family_bests", "write_report"))


class Client:
    """An Airflow that gives one answer after the other."""

    def __init__(self, *statuses: RunStatus | Exception, parsed_at: str | None = "2026-02-01T00:00:00Z") -> None:
        self.statuses = list(statuses)
        self.parsed = parsed_at
        self.errors: list[str] = []
        self.unfinished: list[str] = []
        self.done: list[tuple[str, Any]] = []

    def parsed_at(self, dag_id: str) -> str | None:
        return self.parsed

    def import_errors(self) -> list[str]:
        return self.errors

    def set_pool(self, name: str, *, slots: int, description: str) -> None:
        self.done.append(("pool", (name, slots)))

    def fail_unfinished_runs(self, dag_id: str) -> list[str]:
        return self.unfinished

    def unpause(self, dag_id: str) -> None:
        self.done.append(("unpause", dag_id))

    def trigger(self, dag_id: str, *, parameters: dict[str, Any]) -> str:
        self.done.append(("trigger", parameters))
        return "r"

    def run_status(self, dag_id: str, run_id: str) -> RunStatus:
        status = self.statuses.pop(0)
        if isinstance(status, Exception):
            raise status
        return status

    def xcom(self, dag_id: str, run_id: str, *, task_id: str, key: str) -> str:
        return "k"

    def last_error(self, dag_id: str, run_id: str, *, task: tuple[str, int, int]) -> str:
        return f"the error of {task[0]}"


def run_of(client: Client, store: Store) -> FleetRun:
    return FleetRun(client, store, environment="local-dev", watch=lambda: None, poll_seconds=0.01)  # type: ignore[arg-type]


def test_a_run_starts_after_its_pool_is_there_and_the_dag_may_run(store: Store) -> None:
    client = Client()
    client.unfinished = ["old"]
    said: list[str] = []
    run_of(client, store).trigger({"preset": "micro"}, parsed_after="2026-01-01", say=said.append)
    assert client.done == [
        ("pool", ("training", 1)),
        ("unpause", "train_fleet"),
        ("trigger", {"preset": "micro"}),
    ]
    assert said == ["ended the unfinished run old; what it has computed is found again"]


def test_a_dag_that_cannot_be_imported_is_said_at_once(store: Store) -> None:
    client = Client(parsed_at="2025-12-31T23:59:59Z")
    client.errors = ["train_fleet.py: NameError: x"]
    with pytest.raises(ServiceError, match=r"has not read train_fleet: train_fleet\.py: NameError: x"):
        run_of(client, store).trigger({}, parsed_after="2026-01-01", say=print)


def test_following_ends_with_the_run_and_finds_its_folder(store: Store) -> None:
    RunFolder(store, "k").stage("plan").commit(facts={"n_variants": 36})
    out = io.StringIO()
    run = run_of(Client(RUNNING, RUNNING, DONE), store)
    assert run.follow(Console(file=out)) is None
    assert run.folder is not None
    assert run.folder.run_key == "k"
    assert "train_variants: 0/36 variants" in out.getvalue()


def test_what_was_found_in_the_bars_is_said_once(store: Store) -> None:
    client = Client(RUNNING, RUNNING, RUNNING, DONE)
    run = run_of(client, store)
    run.trigger({}, parsed_after="2026-01-01", say=print)
    repair = {"kind": "repair", "symbol": "eth", "timestamp": "2024-03-01T00:00:00Z", "message": "dropped [2] bars"}
    name = name_request(environment="local-dev", dag_id="train_fleet", run_id="r")
    request_folder(store, name).commit(facts={"findings": [repair]})
    out = io.StringIO()
    run.follow(Console(file=out, width=40))
    assert out.getvalue().count("bars: repair: eth 2024-03-01T00:00:00Z: dropped [2] bars\n") == 1


def test_a_restart_of_the_api_server_is_waited_out(store: Store) -> None:
    run = run_of(Client(RUNNING, ServiceError("no answer"), ServiceError("no answer"), DONE), store)
    assert run.follow(Console(file=io.StringIO())) is None


def test_a_run_whose_report_can_no_longer_come_is_over_with_the_first_failures_message(store: Store) -> None:
    run = run_of(Client(RUNNING, LOST), store)
    assert run.follow(Console(file=io.StringIO())) == "train_variants (shard 1) failed: the error of train_variants"


def test_the_first_failure_is_not_that_of_the_task_that_closes_the_run(store: Store) -> None:
    failed = RunStatus("failed", (), (("close", -1, 1), ("train_variants", 0, 6)), ("write_report",))
    assert run_of(Client(failed), store).follow(Console(file=io.StringIO())) == (
        "train_variants (shard 0) failed: the error of train_variants"
    )


def test_a_run_that_only_mlflow_missed_is_a_failure_with_a_report(store: Store) -> None:
    failed = RunStatus("failed", (), (("log_runs", -1, 3),), ())
    assert run_of(Client(failed), store).follow(Console(file=io.StringIO())) == "log_runs failed: the error of log_runs"


def test_a_written_report_does_not_wait_for_mlflow(store: Store) -> None:
    RunFolder(store, "k").stage("plan").commit(facts={"n_variants": 36})
    RunFolder(store, "k").stage("report").commit()
    retrying = RunStatus("running", (), (), (), retrying=(("log_runs", -1, 1),))
    assert run_of(Client(RUNNING, retrying), store).follow(Console(file=io.StringIO())) == (
        "the report is written, and MLflow lacks results: the error of log_runs"
    )


def test_without_a_report_a_run_goes_on_whatever_mlflow_does(store: Store) -> None:
    RunFolder(store, "k").stage("plan").commit(facts={"n_variants": 36})
    retrying = RunStatus("running", ("train_variants",), (), (), retrying=(("log_runs", -1, 1),))
    assert run_of(Client(retrying, RUNNING, DONE), store).follow(Console(file=io.StringIO())) is None
