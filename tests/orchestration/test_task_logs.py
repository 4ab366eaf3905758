import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from fleetcast.errors import StoreError
from fleetcast.orchestration import task_logs
from fleetcast.orchestration.task_logs import LOGGING_CONFIG, StoreLogs
from fleetcast.store.objects import Store

PATH = "dag_id=train_fleet/run_id=manual/task_id=train_variants/map_index=3/attempt=1.log"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Airflow's log folder."""
    return tmp_path / "logs"


def logs_of(store: Store, folder: Path, *, host: str) -> StoreLogs:
    """Uploads in this process, which forks no tasks but has used the store."""
    return StoreLogs(store.uri, folder=folder, host=host, succeeds=lambda action: bool(action()))


def write(folder: Path, text: str, path: str = PATH) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def lines(logs: StoreLogs, path: str = PATH) -> list[list[str]]:
    return [list(part) for part in logs.stream(path)[1]]


def test_an_uploaded_log_is_read_again(store: Store, folder: Path) -> None:
    logs = logs_of(store, folder, host="scheduler-a")
    write(folder, "one\ntwo\n")
    logs.upload(PATH)
    assert lines(logs) == [["one", "two"]]
    assert logs.stream(PATH)[0] == [f"{store.uri}/logs/{PATH}@scheduler-a"]
    assert logs.read(PATH)[1] == ["one\ntwo"]


def test_a_later_upload_of_one_host_holds_the_earlier_one_once(store: Store, folder: Path) -> None:
    logs = logs_of(store, folder, host="scheduler-a")
    write(folder, "one\n")
    logs.upload(PATH)
    write(folder, "one\ntwo\n")
    logs.upload(PATH)
    assert lines(logs) == [["one", "two"]]


def test_what_two_schedulers_and_a_triggerer_wrote_is_all_there(store: Store, folder: Path) -> None:
    for host, text in {"scheduler-a": "started", "scheduler-b": "resumed"}.items():
        write(folder / host, text)
        logs_of(store, folder / host, host=host).upload(PATH)
    write(folder, "waited", f"{PATH}.trigger.7.log")
    logs = logs_of(store, folder, host="triggerer")
    logs.upload(f"{PATH}.trigger.7.log")
    assert sorted(lines(logs)) == [["resumed"], ["started"], ["waited"]]


def test_logs_of_other_attempts_and_shards_stay_apart(store: Store, folder: Path) -> None:
    logs = logs_of(store, folder, host="a")
    for path in (PATH, PATH.replace("attempt=1", "attempt=2"), PATH.replace("map_index=3", "map_index=30")):
        write(folder, path, path)
        logs.upload(path)
    assert lines(logs) == [[PATH]]


def test_a_log_that_is_not_there_is_no_error(store: Store, folder: Path) -> None:
    logs = logs_of(store, folder, host="a")
    logs.upload(PATH)
    assert logs.stream(PATH) == ([], [])
    assert logs.read(PATH) == ([], None)


def test_a_store_that_never_answers_is_named_within_seconds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setattr(task_logs, "READER_PATIENCE", timedelta(seconds=0.5))
        (reason,), parts = StoreLogs("s3://elsewhere", folder=folder).stream(PATH)
    assert "s3://elsewhere" in reason
    assert parts == []


def test_a_worker_that_uploads_can_still_fork_tasks_that_use_the_store(store: Store, folder: Path) -> None:
    write(folder, "one")
    program = f"""
from pathlib import Path
from fleetcast.orchestration import task_logs
from fleetcast.orchestration.task_logs import StoreLogs, succeeds_in_a_child
from fleetcast.store.objects import Store
for _ in range(3):
    StoreLogs("{store.uri}", folder=Path("{folder}"), host="a").upload("{PATH}")
    print(succeeds_in_a_child(lambda: Store("{store.uri}").read("logs/{PATH}@a")))
print(succeeds_in_a_child(lambda: Store("{store.uri}").read("logs/nothing")))
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.split() == ["True", "True", "True", "False"]


def test_an_upload_that_fails_says_so(store: Store, folder: Path) -> None:
    write(folder, "one")
    with pytest.raises(StoreError, match=r"cannot store the log logs/.*attempt=1\.log@a"):
        StoreLogs(store.uri, folder=folder, host="a", succeeds=lambda _: False).upload(PATH)


def test_airflow_finds_it_by_the_name_that_the_chart_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow._shared.logging.remote import discover_remote_log_handler
    from airflow._shared.module_loading import import_string

    name = "fleetcast.orchestration.task_logs.LOGGING_CONFIG"
    handler, _ = discover_remote_log_handler(name, "", import_string)
    assert isinstance(handler, StoreLogs)
    assert import_string(name) is LOGGING_CONFIG
