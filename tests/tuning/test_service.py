"""The service over HTTP, in a process of its own."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import optuna
import pytest
from optuna.trial import TrialState

from fleetcast.errors import ConfigurationError, DataError, ServiceError, TakenOverError
from fleetcast.tuning.client import StudyClient, new_token
from fleetcast.tuning.database import create_tables
from fleetcast.tuning.messages import Answer, OpenStudy, StudySpec, Tell
from fleetcast.tuning.space import load_space
from fleetcast.tuning.trial_rows import FAILURE, INTERRUPTION
from fleetcast.tuning.worker import RunningTrial, run_trials
from study_database import PASSWORD, StudyDatabase
from study_service import TOKEN, StudyService
from supervised import wait_for


def score(trial: RunningTrial) -> float:
    return float(trial.params["learning_rate"])


def post(service: StudyService, path: str, content: bytes | str, *, token: str = TOKEN) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return httpx.post(f"{service.url}{path}", content=content, headers=headers, timeout=30)


def test_workers_together_finish_exactly_the_budget(
    service: StudyService, client: StudyClient, spec: StudySpec, study_database: StudyDatabase
) -> None:
    client.open(OpenStudy(spec=spec, n_trials=20))
    finished: list[int] = []

    def work(name: str) -> None:
        with StudyClient(service.url, token=TOKEN) as own:
            finished.append(run_trials(own, spec.name, score, worker=name))

    threads = [threading.Thread(target=work, args=(f"worker {i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(finished) == 20
    trials = optuna.load_study(study_name=spec.name, storage=study_database.uri).trials
    assert [(trial.number, trial.state) for trial in trials] == [(n, TrialState.COMPLETE) for n in range(20)]
    assert all(trial.value == trial.params["learning_rate"] for trial in trials)


def test_killed_services_and_a_crashed_postgres_lose_nothing(tmp_path: Path, spec: StudySpec) -> None:
    database = StudyDatabase(tmp_path).start()
    service = StudyService(tmp_path, database.uri, lease_seconds=20.0)
    create_tables(database.uri)
    service.start()
    begun, go_on = threading.Event(), threading.Event()

    def objective(trial: RunningTrial) -> float:
        if trial.number == 1:
            begun.set()
            assert go_on.wait(timeout=120)
        return score(trial)

    finished: list[int] = []

    def work() -> None:
        with StudyClient(service.url, token=TOKEN) as own:
            finished.append(run_trials(own, spec.name, objective, worker="worker"))

    with StudyClient(service.url, token=TOKEN) as client:
        client.open(OpenStudy(spec=spec, n_trials=4))
        worker = threading.Thread(target=work)
        worker.start()
        assert begun.wait(timeout=60)
        service.stop(signal.SIGKILL)
        database.stop(signal.SIGQUIT)
        service.launch()
        go_on.set()  # it tells while neither is there
        assert not service.is_healthy()
        database.start()
        service.keep()  # one that found no database has ended
        worker.join(timeout=120)
        assert finished == [4]
        assert (client.look(spec.name).n_complete, client.look(spec.name).n_left) == (4, 0)
    assert service.stop() == 0
    database.stop()


def test_a_restart_of_postgres_alone_is_waited_for(tmp_path: Path, spec: StudySpec) -> None:
    database = StudyDatabase(tmp_path).start()
    create_tables(database.uri)
    service = StudyService(tmp_path, database.uri, lease_seconds=20.0).start()
    with (
        StudyClient(service.url, token=TOKEN) as client,
        StudyClient(service.url, token=TOKEN, outage_limit_seconds=0.5) as impatient,
    ):
        client.open(OpenStudy(spec=spec, n_trials=2))
        token = new_token()
        asked = client.ask(spec.name, worker="worker", token=token)
        assert asked.trial is not None
        database.stop()
        with pytest.raises(ServiceError, match=r"did not answer for 0.5 s; the last answer was 503"):
            impatient.tell(spec.name, 0, Tell(token=token, state="complete", value=1.0))
        database.start()
        assert client.ask(spec.name, worker="worker", token=token) == asked
        client.tell(spec.name, 0, Tell(token=token, state="complete", value=1.0))
        assert client.look(spec.name).n_complete == 1
    assert service.stop() == 0
    database.stop()
    said = service.said()
    assert "the study database did not answer" in said
    assert TOKEN not in said
    assert PASSWORD not in said


def test_a_worker_that_dies_leaves_its_trial_to_another(
    client: StudyClient, spec: StudySpec, study_database: StudyDatabase
) -> None:
    client.open(OpenStudy(spec=spec, n_trials=1))
    left = client.ask(spec.name, worker="dies before it renews", token=new_token()).trial
    assert left is not None
    seen: list[dict[str, Any]] = []

    def objective(trial: RunningTrial) -> float:
        seen.append(trial.params)
        return 1.0

    assert run_trials(client, spec.name, objective, worker="lives") == 1
    assert seen == [left.params]
    (trial,) = optuna.load_study(study_name=spec.name, storage=study_database.uri).trials
    assert "dies before it renews did not renew" in trial.user_attrs[INTERRUPTION]


def test_an_objective_longer_than_a_lease_keeps_it(client: StudyClient, spec: StudySpec) -> None:
    client.open(OpenStudy(spec=spec, n_trials=1))
    waiting = threading.Event()

    def objective(_: RunningTrial) -> float:
        waiting.wait(timeout=5.0)  # a lease lasts 2 s
        return 1.0

    assert run_trials(client, spec.name, objective, worker="slow") == 1
    assert client.look(spec.name).n_complete == 1


@pytest.mark.parametrize(
    ("error", "n_failed", "n_waiting"),
    [(DataError("one class alone"), 1, 0), (RuntimeError("out of luck"), 0, 1), (KeyboardInterrupt("SIGTERM"), 0, 1)],
)
def test_an_error_ends_the_worker_and_hands_the_trial_back_where_it_may_help(
    client: StudyClient, spec: StudySpec, error: BaseException, n_failed: int, n_waiting: int
) -> None:
    client.open(OpenStudy(spec=spec, n_trials=2))

    def objective(_: RunningTrial) -> float:
        raise error

    with pytest.raises(type(error), match=str(error)):
        run_trials(client, spec.name, objective, worker="worker")
    state = client.look(spec.name)
    assert (state.n_failed, state.n_waiting, state.n_running) == (n_failed, n_waiting, 0)


def test_an_interruption_while_the_answer_is_on_its_way_hands_its_trial_back(
    client: StudyClient, spec: StudySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.open(OpenStudy(spec=spec, n_trials=2))
    ask = client.ask

    def ask_and_be_interrupted(*args: Any, **kwargs: Any) -> Answer:
        monkeypatch.undo()
        assert ask(*args, **kwargs).trial is not None
        raise KeyboardInterrupt("SIGTERM")

    monkeypatch.setattr(client, "ask", ask_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        run_trials(client, spec.name, score, worker="worker")
    state = client.look(spec.name)
    assert (state.n_waiting, state.n_running) == (1, 0)


@contextmanager
def within_a_minute() -> Iterator[None]:
    """Fails where the block waits for much longer than it should, instead of for ten minutes."""

    def give_up(*_: object) -> None:
        raise AssertionError("the worker still waits for the service")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_an_interruption_while_nobody_answers_does_not_wait_for_the_service_to_come_back() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt("SIGTERM")

    before = signal.signal(signal.SIGUSR1, interrupt)
    timer = threading.Timer(1.0, signal.raise_signal, [signal.SIGUSR1])
    timer.start()
    try:
        with (
            StudyClient("http://127.0.0.1:9", token=TOKEN, outage_limit_seconds=600) as nobody,
            within_a_minute(),
            pytest.raises(KeyboardInterrupt, match="SIGTERM"),
        ):
            run_trials(nobody, "study", score, worker="worker")
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)


def test_an_interruption_in_a_trial_does_not_wait_for_a_service_that_is_gone(tmp_path: Path, spec: StudySpec) -> None:
    database = StudyDatabase(tmp_path).start()
    create_tables(database.uri)
    service = StudyService(tmp_path, database.uri, lease_seconds=4.0).start()

    def lose_the_service(_: RunningTrial) -> float:
        service.stop()
        time.sleep(2)  # a renewal begins, which nobody answers
        raise KeyboardInterrupt("SIGTERM")

    with StudyClient(service.url, token=TOKEN, outage_limit_seconds=600) as client:
        client.open(OpenStudy(spec=spec, n_trials=1))
        with within_a_minute(), pytest.raises(KeyboardInterrupt, match="SIGTERM"):
            run_trials(client, spec.name, lose_the_service, worker="worker")
    database.stop()


def test_a_score_that_is_no_number_is_a_failed_trial(
    client: StudyClient, spec: StudySpec, study_database: StudyDatabase
) -> None:
    client.open(OpenStudy(spec=spec, n_trials=1))
    with pytest.raises(DataError, match="has the score nan: expected a number"):
        run_trials(client, spec.name, lambda _: float("nan"), worker="worker")
    (trial,) = optuna.load_study(study_name=spec.name, storage=study_database.uri).trials
    assert trial.user_attrs[FAILURE].startswith("DataError: trial 0")


def test_a_pruned_trial_ends_at_its_step(client: StudyClient, spec: StudySpec) -> None:
    spec = spec.model_copy(update={"pruner": "median"})
    client.open(OpenStudy(spec=spec, n_trials=7))
    steps: dict[int, int] = {}

    def objective(trial: RunningTrial) -> float:
        for fold in range(4):
            steps[trial.number] = fold
            trial.report(fold, 0.1 if trial.number == 6 else 0.5)
        return 0.5

    run_trials(client, spec.name, objective, worker="worker")
    state = client.look(spec.name)
    assert (state.n_complete, state.n_pruned, steps[6]) == (6, 1, 1)


def test_a_wrong_token_is_refused_and_is_final(service: StudyService, spec: StudySpec) -> None:
    with (
        StudyClient(service.url, token="wrong") as stranger,
        pytest.raises(ConfigurationError, match="wrong token: FLEETCAST_STUDIES_TOKEN must be the study service's own"),
    ):
        stranger.open(OpenStudy(spec=spec, n_trials=1))
    assert httpx.get(f"{service.url}/studies/any", timeout=30).status_code == 401
    assert httpx.get(f"{service.url}/docs", timeout=30).status_code == 401


def test_an_address_without_a_protocol_is_refused_at_once() -> None:
    with (
        StudyClient("127.0.0.1:8090", token=TOKEN) as client,
        pytest.raises(ConfigurationError, match=r"FLEETCAST_STUDIES_URL is .*: expected an address such as http:"),
    ):
        client.look("any")


def test_an_unknown_study_is_refused(client: StudyClient) -> None:
    with pytest.raises(ConfigurationError, match=r"unknown study 'nobody-opened-it': open it first\. Where its"):
        client.ask("nobody-opened-it", worker="worker", token=new_token())


def test_a_study_under_the_name_of_another_space_is_refused(service: StudyService, spec: StudySpec) -> None:
    changed = spec.model_copy(update={"space": load_space("listed")})
    body = OpenStudy(spec=changed, n_trials=1).model_dump_json()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    answer = httpx.put(f"{service.url}/studies/{spec.name}", content=body, headers=headers, timeout=30)
    assert answer.status_code == 422
    assert f"which is '{changed.name}': its space or data has changed" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{", "JSON decode error"),
        (b'{"worker": "w"}', "token: Field required"),
        (json.dumps({"worker": "", "token": "0" * 32}), "worker: String should have at least 1 character"),
        (json.dumps({"worker": "w", "token": "0" * 32, "more": 1}), "more: Extra inputs are not permitted"),
        (json.dumps({"worker": "w", "token": "'; DROP TABLE trials"}), "token: String should match pattern"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_in_one_line(
    service: StudyService, body: bytes | str, problem: str
) -> None:
    answer = post(service, "/studies/any/ask", body)
    assert answer.status_code == 422
    assert problem in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


def test_a_budget_of_nothing_is_refused(service: StudyService, spec: StudySpec) -> None:
    body = json.dumps({"spec": spec.model_dump(mode="json"), "n_trials": 0})
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    answer = httpx.put(f"{service.url}/studies/{spec.name}", content=body, headers=headers, timeout=30)
    assert answer.json()["detail"] == "n_trials: Input should be greater than or equal to 1"


def test_a_body_without_end_is_refused_unread(service: StudyService) -> None:
    assert post(service, "/studies/any/ask", b" " * 1_000_001).status_code == 413


def test_a_value_that_is_no_number_is_refused(service: StudyService) -> None:
    body = f'{{"token": "{"0" * 32}", "state": "complete", "value": NaN}}'
    assert post(service, "/studies/any/trials/0/tell", body).status_code == 422


def test_a_late_worker_is_told_so(client: StudyClient, spec: StudySpec) -> None:
    client.open(OpenStudy(spec=spec, n_trials=1))
    late = new_token()
    assert client.ask(spec.name, worker="late", token=late).trial is not None
    wait_for(lambda: client.ask(spec.name, worker="second", token="5" * 32).trial is not None, seconds=30)
    with pytest.raises(TakenOverError, match=r"trial 0 of study .* is not this worker's any more"):
        client.tell(spec.name, 0, Tell(token=late, state="complete", value=1.0))
