import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from supervised import is_running, wait_for

# The child starts a process that has a session of its own, ignores SIGTERM and loses its parent; then it works.
WORK = """
import os, signal, subprocess, sys, time
from pathlib import Path
from fleetcast.errors import ServiceError
from fleetcast.local.guard import go_on_guarded
folder = Path(sys.argv[1])
(folder / "guard").write_text(str(os.getpid()))
try:
    go_on_guarded(grace_seconds=0.2)
except ServiceError as exc:
    sys.exit(str(exc))
def stop(signum, _):
    (folder / "stopped").write_text(signal.Signals(signum).name)
    sys.exit(3)
for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(signum, stop)
stubborn = "trap '' TERM; echo $$ > '{}'; while :; do sleep 0.1; done".format(folder / "stubborn")
subprocess.run(["sh", "-c", 'setsid sh -c "$0" &', stubborn])
(folder / "child").write_text(str(os.getpid()))
print("worked", flush=True)
time.sleep(60)
"""
Pids = dict[str, int]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A guard whose child works."""
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen([sys.executable, "-c", WORK, str(tmp_path)], stdout=said, stderr=said, text=True)
    yield process
    process.kill()
    process.wait()
    for name in ("child", "stubborn"):
        with suppress(FileNotFoundError, ProcessLookupError, ValueError):
            os.kill(int((tmp_path / name).read_text()), signal.SIGKILL)


@pytest.fixture
def pids(guarded: "subprocess.Popen[str]", tmp_path: Path) -> Pids:
    names = ("guard", "child", "stubborn")
    wait_for(lambda: all((tmp_path / name).exists() and (tmp_path / name).read_text().strip() for name in names))
    return {name: int((tmp_path / name).read_text()) for name in names}


def all_gone(pids: Pids) -> Callable[[], bool]:
    return lambda: not any(is_running(pid) for pid in pids.values())


def test_what_a_killed_child_leaves_is_ended_and_it_is_said(
    guarded: "subprocess.Popen[str]", pids: Pids, tmp_path: Path
) -> None:
    os.kill(pids["child"], signal.SIGKILL)
    assert guarded.wait(timeout=20) == 1
    assert "killed by SIGKILL; what it had started was ended" in (tmp_path / "said").read_text()
    assert all_gone(pids)()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_child_and_its_exit_code_comes_back(
    guarded: "subprocess.Popen[str]", pids: Pids, tmp_path: Path, how: signal.Signals
) -> None:
    guarded.send_signal(how)
    assert guarded.wait(timeout=20) == 3
    assert (tmp_path / "stopped").read_text() == how.name
    assert all_gone(pids)()


def test_the_child_is_told_to_end_when_the_guard_is_killed(
    guarded: "subprocess.Popen[str]", pids: Pids, tmp_path: Path
) -> None:
    guarded.kill()
    wait_for(lambda: (tmp_path / "stopped").exists() and not is_running(pids["child"]))
    assert (tmp_path / "stopped").read_text() == "SIGTERM"


def test_a_kill_of_the_terminals_group_does_not_reach_the_child(pids: Pids) -> None:
    assert os.getpgid(pids["child"]) != os.getpgid(pids["guard"])
