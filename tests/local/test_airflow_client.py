import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fleetcast.errors import ServiceError
from fleetcast.local.airflow_client import AirflowClient

Handler = Callable[[httpx.Request], httpx.Response]


class Api:
    """An API server that knows one token and the answers that a test gives it."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], httpx.Response | Handler] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.token = "first"

    def handle(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else dict(request.url.params)
        self.asked.append((request.method, request.url.path, body))
        if request.url.path == "/auth/token":
            good = body == {"username": "admin", "password": "secret"}
            return httpx.Response(201, json={"access_token": self.token}) if good else httpx.Response(401)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return httpx.Response(401)
        answer = self.answers.get((request.method, request.url.path), httpx.Response(404, json={}))
        return answer(request) if callable(answer) else answer

    def client(self, password: str = "secret") -> AirflowClient:
        return AirflowClient(
            "http://airflow", user="admin", password=password, transport=httpx.MockTransport(self.handle)
        )


@pytest.fixture
def api() -> Api:
    return Api()


def test_logs_in_once_and_again_when_the_token_has_ended(api: Api) -> None:
    api.answers["POST", "/api/v2/dags/d/dagRuns"] = httpx.Response(200, json={"dag_run_id": "r"})
    client = api.client()
    client.trigger("d", parameters={})
    client.trigger("d", parameters={})
    assert [path for _, path, _ in api.asked].count("/auth/token") == 1
    api.token = "second"
    client.trigger("d", parameters={})
    assert [path for _, path, _ in api.asked].count("/auth/token") == 2


def test_a_wrong_login_is_said(api: Api) -> None:
    with pytest.raises(ServiceError, match=r"did not answer POST /api/v2/dags/d/dagRuns.*401"):
        api.client(password="wrong").trigger("d", parameters={})


def test_a_run_is_triggered_without_a_logical_date(api: Api) -> None:
    api.answers["POST", "/api/v2/dags/d/dagRuns"] = httpx.Response(200, json={"dag_run_id": "r"})
    assert api.client().trigger("d", parameters={"preset": "micro"}) == "r"
    assert api.asked[-1][2] == {"logical_date": None, "conf": {"preset": "micro"}}


def test_a_pool_that_is_there_is_changed(api: Api) -> None:
    api.answers["POST", "/api/v2/pools"] = httpx.Response(409)
    api.answers["PATCH", "/api/v2/pools/training"] = httpx.Response(200, json={})
    api.client().set_pool("training", slots=2, description="d")
    body = {"pool": "training", "slots": 2, "description": "d", "include_deferred": True}
    assert api.asked[-1] == ("PATCH", "/api/v2/pools/training", body)


def test_an_unread_dag_has_no_time(api: Api) -> None:
    assert api.client().parsed_at("d") is None


def test_import_errors_are_one_line_a_file(api: Api) -> None:
    errors = [{"filename": "d.py", "stack_trace": "Traceback\n  File\nNameError: x\n"}]
    api.answers["GET", "/api/v2/importErrors"] = httpx.Response(200, json={"import_errors": errors})
    assert api.client().import_errors() == ["d.py: NameError: x"]


def test_unfinished_runs_are_ended(api: Api) -> None:
    api.answers["GET", "/api/v2/dags/d/dagRuns"] = httpx.Response(200, json={"dag_runs": [{"dag_run_id": "old"}]})
    api.answers["PATCH", "/api/v2/dags/d/dagRuns/old"] = httpx.Response(200, json={})
    assert api.client().fail_unfinished_runs("d") == ["old"]
    assert api.asked[-1] == ("PATCH", "/api/v2/dags/d/dagRuns/old", {"state": "failed"})


def test_the_status_tells_what_runs_what_failed_and_what_is_lost(api: Api) -> None:
    tasks = [
        {"task_id": "train_variants", "map_index": 1, "try_number": 3, "state": "failed"},
        {"task_id": "write_report", "map_index": -1, "try_number": 0, "state": "upstream_failed"},
        {"task_id": "log_runs", "map_index": -1, "try_number": 1, "state": "running"},
    ]
    api.answers["GET", "/api/v2/dags/d/dagRuns/r"] = httpx.Response(200, json={"state": "running"})
    api.answers["GET", "/api/v2/dags/d/dagRuns/r/taskInstances"] = httpx.Response(200, json={"task_instances": tasks})
    status = api.client().run_status("d", "r")
    assert not status.is_over
    assert status.running == ("log_runs",)
    assert status.failed == (("train_variants", 1, 3),)
    assert status.lost == ("write_report",)


def test_a_value_that_no_task_has_left_is_none(api: Api) -> None:
    assert api.client().xcom("d", "r", task_id="plan", key="run_key") is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            [
                {
                    "event": "Task failed",
                    "level": "error",
                    "error_detail": [{"exc_type": "E", "exc_value": "no bars"}, {"exc_value": "what caused it"}],
                },
                {"event": "bye", "level": "info"},
            ],
            "no bars",
        ),
        ([{"event": "killed", "level": "error"}], "killed"),
        (["a plain line"], "its log holds no error"),
    ],
)
def test_the_last_error_of_a_task_is_found_in_its_log(api: Api, content: list[Any], expected: str) -> None:
    api.answers["GET", "/api/v2/dags/d/dagRuns/r/taskInstances/t/logs/2"] = httpx.Response(
        200, json={"content": content}
    )
    assert api.client().last_error("d", "r", task=("t", -1, 2)) == expected


def test_a_refusal_names_the_question_and_the_answer(api: Api) -> None:
    api.answers["PATCH", "/api/v2/dags/d"] = httpx.Response(422, text="unknown field")
    with pytest.raises(ServiceError, match="refused PATCH /api/v2/dags/d: 422 unknown field"):
        api.client().unpause("d")


def test_no_answer_is_a_service_error() -> None:
    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    client = AirflowClient("http://airflow", user="u", password="p", transport=httpx.MockTransport(down))
    with pytest.raises(ServiceError, match="Airflow did not answer GET /api/v2/importErrors: refused"):
        client.import_errors()
