import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from fleetcast.training.workers import LOG_NAME, Limits, Outcome, Task, Workers

ROOMY = Limits(seconds=60, memory_bytes=2**30)


def run_tasks(tasks: list[Task], scratch: Path, *, limits: Limits = ROOMY, n_processes: int = 2) -> dict[str, Outcome]:
    workers = Workers(n_processes=n_processes, limits=limits, scratch=scratch)
    return {outcome.name: outcome for outcome in workers.run(iter(tasks))}


def killed_until_attempt(succeeding: int) -> Callable[[Path], None]:
    def call(folder: Path) -> None:
        if int(folder.name.removeprefix("attempt-")) < succeeding:
            os.kill(os.getpid(), signal.SIGKILL)

    return call


def test_every_task_ends_once_in_its_own_folder_and_process(tmp_path: Path) -> None:
    seen: dict[str, str] = {}
    workers = Workers(n_processes=3, limits=ROOMY, scratch=tmp_path)
    tasks = (Task(f"t{i}", lambda folder: (folder / "pid").write_text(str(os.getpid())) and None) for i in range(8))
    for outcome in workers.run(tasks):
        assert outcome.failure is None
        assert outcome.name in (outcome.folder / LOG_NAME).read_text()
        seen[outcome.name] = (outcome.folder / "pid").read_text()
    assert sorted(seen) == [f"t{i}" for i in range(8)]
    assert len(set(seen.values()) - {str(os.getpid())}) == 8


@pytest.mark.parametrize(("n_kills", "failed"), [(0, False), (2, False), (3, True)])
def test_a_killed_process_is_restarted_twice(tmp_path: Path, n_kills: int, failed: bool) -> None:
    outcome = run_tasks([Task("t", killed_until_attempt(n_kills))], tmp_path)["t"]
    assert outcome.n_restarts == min(n_kills, 2)
    assert (outcome.failure is not None) == failed
    if failed:
        assert "SIGKILL" in str(outcome.failure)


def test_a_task_beyond_its_time_is_ended_and_says_so(tmp_path: Path) -> None:
    limits = Limits(seconds=0.2, memory_bytes=2**30, n_restarts=0)
    outcome = run_tasks([Task("slow", lambda folder: time.sleep(60))], tmp_path, limits=limits)["slow"]
    assert outcome.failure == "took longer than 0.2 s"


def test_a_task_beyond_its_memory_fails_and_the_others_do_not(tmp_path: Path) -> None:
    def greedy(folder: Path) -> None:
        np.ones(2**28)

    limits = Limits(seconds=60, memory_bytes=2**28, n_restarts=0)
    outcomes = run_tasks([Task("greedy", greedy), Task("modest", lambda folder: None)], tmp_path, limits=limits)
    assert "MemoryError" in str(outcomes["greedy"].failure)
    assert outcomes["modest"].failure is None


def test_an_exception_is_the_reason_of_the_failure(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        raise ValueError("no such column")

    outcome = run_tasks([Task("t", fail)], tmp_path)["t"]
    assert "exit code 1" in str(outcome.failure)
    assert "no such column" in str(outcome.failure)


def test_stopping_leaves_no_process(tmp_path: Path) -> None:
    workers = Workers(n_processes=2, limits=ROOMY, scratch=tmp_path)

    def tasks() -> "list[Task]":
        return [Task("quick", lambda folder: None), *(Task(f"s{i}", lambda folder: time.sleep(60)) for i in range(3))]

    before = set(psutil.Process().children(recursive=True))
    ended = []
    for outcome in workers.run(iter(tasks())):
        ended.append(outcome.name)
        workers.stop()
    assert ended == ["quick"]
    assert set(psutil.Process().children(recursive=True)) <= before


def test_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"

    def linger(folder: Path) -> None:
        note.write_text(str(os.getpid()))
        time.sleep(60)

    parent = os.fork()
    if parent == 0:
        run_tasks([Task("t", linger)], tmp_path / "scratch")
        os._exit(0)
    deadline = time.monotonic() + 20
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    child = int(note.read_text())
    while psutil.pid_exists(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not psutil.pid_exists(child)


def test_a_process_that_dies_before_its_first_line_is_a_failure_like_any_other(tmp_path: Path) -> None:
    limits = Limits(seconds=60, memory_bytes=2**30, n_restarts=0)
    workers = Workers(n_processes=1, limits=limits, scratch=tmp_path)
    tasks = (Task(f"t{i}", lambda folder: None) for i in range(2))
    ended = {}
    for outcome in workers.run(tasks):
        ended[outcome.name] = outcome.failure
        for attempt in workers.running:
            attempt.process.kill()
    assert ended == {"t0": None, "t1": ended["t1"]}
    assert ended["t1"] is None or "SIGKILL" in ended["t1"]
