"""A process per task, with its own folder and log, a time and a memory limit, and restarts.

Processes are forked, so that they share what the parent has loaded; the standard library's executors reuse processes
and offer neither limits nor restarts.
"""

import ctypes
import gc
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from shutil import rmtree

LOG_NAME = "train.log"
PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.5  # how soon a request to stop is seen


@dataclass(frozen=True)
class Task:
    """Something to do in a process of its own; ``call`` gets an empty folder to write into."""

    name: str
    call: Callable[[Path], None]


@dataclass(frozen=True)
class Limits:
    """Of one attempt: seconds from its start, bytes beyond what it shares with the parent, and further attempts."""

    seconds: float
    memory_bytes: int
    n_restarts: int = 2


@dataclass(frozen=True)
class Outcome:
    """A task's end: its folder, or why its last attempt failed."""

    name: str
    folder: Path
    n_restarts: int
    failure: str | None


@dataclass
class Attempt:
    """A task that runs."""

    task: Task
    number: int  # 0 for the first
    folder: Path
    process: BaseProcess
    started: float = field(default_factory=time.monotonic)
    overdue: bool = False


class Workers:
    """Runs tasks at most ``n_processes`` at a time; each yields its outcome when it ends."""

    def __init__(self, *, n_processes: int, limits: Limits, scratch: Path) -> None:
        self.limits = limits
        self.running: list[Attempt] = []
        self.stopping = False
        self._n_processes = n_processes
        self._scratch = scratch
        self._context = multiprocessing.get_context("fork")

    def stop(self) -> None:
        """Asks for an end: running tasks are abandoned, `run` returns; safe to call from a signal handler."""
        self.stopping = True

    def run(self, tasks: Iterator[Task]) -> Iterator[Outcome]:
        """Yields each task's outcome. The next task is asked for while the processes are busy."""
        waiting = deque((task, 0) for task in islice(tasks, 1))
        finished: list[Outcome] = []
        try:
            while (waiting or self.running) and not self.stopping:
                self._start_waiting(waiting, tasks)
                yield from _let_go(finished)  # only now, so that no core waits while the caller stores them
                finished = self._finished(waiting)
            yield from _let_go(finished)
        finally:
            self._abandon()

    def _start_waiting(self, waiting: deque[tuple[Task, int]], tasks: Iterator[Task]) -> None:
        while waiting and len(self.running) < self._n_processes:
            self._start(*waiting.popleft())
            if not waiting:
                waiting.extend((task, 0) for task in islice(tasks, 1))

    def _finished(self, waiting: deque[tuple[Task, int]]) -> list[Outcome]:
        """Waits for an end; what failed and may be restarted goes before the other waiting tasks."""
        outcomes = []
        for attempt in self._ended():
            failure = _failure(attempt, self.limits)
            if failure and attempt.number < self.limits.n_restarts:
                waiting.appendleft((attempt.task, attempt.number + 1))
            else:
                outcomes.append(Outcome(attempt.task.name, attempt.folder, attempt.number, failure))
        return outcomes

    def _start(self, task: Task, number: int) -> None:
        folder = self._scratch / task.name / f"attempt-{number}"
        rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / LOG_NAME).touch()  # so that it is there for whatever ends the process, however early
        process = self._context.Process(
            target=_in_process, args=(task, folder, self.limits, os.getpid()), name=task.name, daemon=True
        )
        process.start()
        self.running.append(Attempt(task, number, folder, process))

    def _ended(self) -> list[Attempt]:
        next_deadline = min(a.started for a in self.running) + self.limits.seconds
        timeout = min(POLL_SECONDS, max(0.0, next_deadline - time.monotonic()))
        ready = wait([attempt.process.sentinel for attempt in self.running], timeout=timeout)
        for attempt in self.running:
            if time.monotonic() - attempt.started > self.limits.seconds:
                attempt.overdue = True
                attempt.process.kill()
        ended = [attempt for attempt in self.running if attempt.process.sentinel in ready]
        for attempt in ended:
            attempt.process.join()
            self.running.remove(attempt)
        return ended

    def _abandon(self) -> None:
        for attempt in self.running:
            attempt.process.kill()
            attempt.process.join()
        self.running.clear()


def _let_go(outcomes: list[Outcome]) -> Iterator[Outcome]:
    """Yields each, and removes its folder afterwards."""
    for outcome in outcomes:
        yield outcome
        rmtree(outcome.folder, ignore_errors=True)


def _failure(attempt: Attempt, limits: Limits) -> str | None:
    code = attempt.process.exitcode
    if code == 0:
        return None
    if attempt.overdue:
        return f"took longer than {limits.seconds:g} s"
    lines = (attempt.folder / LOG_NAME).read_text(errors="replace").strip().splitlines()
    last = lines[-1] if lines else "no output"
    end = f"ended by {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
    return f"{end}: {last[:200]}"


def _in_process(task: Task, folder: Path, limits: Limits, parent: int) -> None:
    end_with_parent(parent)
    gc.disable()  # a collection would copy what is shared with the parent, in a process that ends in a second
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log = os.open(folder / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    _limit_memory(limits.memory_bytes)
    sys.stdout = sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    sys.stdout.write(
        f"{task.name}: process {os.getpid()}, at most {limits.seconds:g} s and {limits.memory_bytes} bytes\n"
    )
    task.call(folder)
    sys.stdout.write(f"{task.name}: done\n")


def end_with_parent(parent: int) -> None:
    """Makes this process end when the one that forked it does, however that ends.

    Args:
        parent: its process id.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)


def _limit_memory(memory_bytes: int) -> None:
    if sys.platform == "linux":
        shared = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (shared + memory_bytes, resource.RLIM_INFINITY))
