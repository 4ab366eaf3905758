import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.local.instance import end_leftovers, is_held, only_instance, stop_instance
from fleetcast.local.processes import ProcessRecord, read_records, write_records
from supervised import Supervised, is_running

HOLD = """
import sys, time
from pathlib import Path
from fleetcast.local.instance import only_instance
with only_instance(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
Spawn = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Starts a program that has ended when the test has."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def holder(tmp_path: Path, spawn: Spawn) -> "subprocess.Popen[bytes]":
    """Another process that holds the lock."""
    process = spawn(sys.executable, "-c", HOLD, str(tmp_path / "lock"))
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_second_instance_is_refused_and_told_of_the_first(tmp_path: Path, holder: "subprocess.Popen[bytes]") -> None:
    refused = only_instance(tmp_path / "lock")
    with pytest.raises(ConfigurationError, match=rf"already running here \(process {holder.pid}\).*make down"):
        refused.__enter__()


@pytest.mark.parametrize("home", ["file", "file/below", "/proc/nothing"])
def test_a_folder_that_cannot_hold_state_is_refused_in_one_line(tmp_path: Path, home: str) -> None:
    (tmp_path / "file").touch()
    refused = only_instance(tmp_path / home / "lock")
    with pytest.raises(ConfigurationError, match=r"cannot keep state in .*Choose another --home"):
        refused.__enter__()


def test_a_killed_instance_holds_nothing(tmp_path: Path, holder: "subprocess.Popen[bytes]") -> None:
    holder.kill()
    holder.wait()
    assert not is_held(tmp_path / "lock")
    with only_instance(tmp_path / "lock"):
        assert is_held(tmp_path / "lock")


def test_down_ends_the_instance(tmp_path: Path, holder: "subprocess.Popen[bytes]") -> None:
    assert stop_instance(tmp_path / "lock", started=tmp_path / "processes.json")
    assert not is_running(holder.pid)


def test_down_where_nothing_runs_says_so(tmp_path: Path) -> None:
    assert not stop_instance(tmp_path / "lock", started=tmp_path / "processes.json")


def test_down_leaves_a_process_alone_that_has_the_number_of_an_ended_one(tmp_path: Path, spawn: Spawn) -> None:
    stranger = spawn("sleep", "60")
    record = ProcessRecord.of("postgres", stranger.pid)
    write_records(tmp_path / "processes.json", [record.model_copy(update={"create_time": record.create_time - 100})])
    assert not stop_instance(tmp_path / "lock", started=tmp_path / "processes.json")
    assert is_running(stranger.pid)


def test_what_a_killed_supervisor_has_left_is_ended_with_all_below_it(tmp_path: Path, spawn: Spawn) -> None:
    left = spawn("sh", "-c", "trap '' TERM; setsid sleep 60 & sleep 60")
    parent = psutil.Process(left.pid)
    while len(parent.children()) < 2:
        pass
    below = [child.pid for child in parent.children()]
    write_records(tmp_path / "processes.json", [ProcessRecord.of("airflow", left.pid)])
    assert end_leftovers(tmp_path / "processes.json", grace_seconds=0.2)
    assert not any(is_running(pid) for pid in [left.pid, *below])
    assert not end_leftovers(tmp_path / "processes.json")


def test_a_broken_record_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "processes.json").write_text('[{"name": "post')
    assert read_records(tmp_path / "processes.json") == []
    assert not end_leftovers(tmp_path / "processes.json")


def test_down_after_a_kill_of_the_supervisor_ends_its_components(supervised: Supervised) -> None:
    supervised.start(stubborn="trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done")
    component = supervised.pid_in("pid")
    supervised.end(signal.SIGKILL)
    assert is_running(component)
    assert stop_instance(supervised.folder / "lock", started=supervised.folder / "processes.json")
    assert not is_running(component)
