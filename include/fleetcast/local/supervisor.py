"""Starts components, restarts those that die, and leaves nothing behind.

An own small supervisor, after weighing the ready ones: honcho does not restart, circus brings a message queue and an
event loop for its own configuration, supervisord is a daemon with a configuration file, and none of the three
catches a grandchild that made a session of its own, as every Airflow task does with its job. What is needed here is
a list of child processes, the kernel's sub-reaper, and psutil.
"""

import contextlib
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from signal import Signals

import psutil

from fleetcast.errors import ServiceError
from fleetcast.local.processes import (
    ProcessRecord,
    adopt_orphans,
    as_user,
    end_processes,
    end_with_parent,
    orphans,
    with_descendants,
    write_records,
)

MAX_RESTARTS = 5
STEADY_SECONDS = 60.0  # a component that ran so long begins to count anew
ORPHAN_SECONDS = 1.0  # between two looks for orphans


@dataclass(frozen=True)
class Component:
    """A program that runs as long as the deployment does.

    Args:
        name: also the name of its log file.
        command: the program and its arguments.
        environment: all of it; nothing is inherited.
        is_ready: whether it serves. One that runs and does not for long is killed: Airflow's scheduler, for one,
            waits for its tasks when it has lost the database, and a task may wait for the scheduler.
        stop_signal: what asks it to end itself and its children. None: all of them get SIGTERM at once, because
            Airflow's scheduler, asked alone, waits for its running tasks.
        user: the system's user to run as, when it is not the supervisor's own.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    is_ready: Callable[[], bool]
    stop_signal: Signals | None = None
    user: str | None = None


@dataclass
class _Running:
    component: Component
    process: subprocess.Popen[bytes]
    started: float
    served: float | None = None  # when it was last seen to serve since its start
    n_restarts: int = 0  # in a row
    restart_at: float | None = field(default=None)


class Supervisor:
    """Owns the components' processes. Use it as a context: on leaving, everything ends, the last started first.

    Args:
        folder: where the components run.
        logs: a folder for one log file a component.
        record: the file that says what runs.
        say: takes a line for the person who watches.
        backoff_seconds: the pause before the first restart in a row; it doubles.
        grace_seconds: between asking to end and SIGKILL.
        stuck_seconds: how long a component that has served may run without serving.
        start_seconds: and one that has not served yet: on a busy machine imports take minutes.
        look_seconds: between two looks at all components' service.
    """

    def __init__(
        self,
        folder: Path,
        *,
        logs: Path,
        record: Path,
        say: Callable[[str], None],
        backoff_seconds: float = 1.0,
        grace_seconds: float = 25.0,
        stuck_seconds: float = 60.0,
        start_seconds: float = 300.0,
        look_seconds: float = 10.0,
    ) -> None:
        self._folder = folder
        self._logs = logs
        self._record = record
        self.say = say
        self._backoff_seconds = backoff_seconds
        self._grace_seconds = grace_seconds
        self._stuck_seconds = stuck_seconds
        self._start_seconds = start_seconds
        self._look_seconds = look_seconds
        self._running: dict[str, _Running] = {}
        self._orphans: dict[int, float] = {}  # by process number: since when
        self._looked_for_orphans = 0.0
        self._looked_for_stuck = time.monotonic()

    def __enter__(self) -> "Supervisor":
        adopt_orphans()
        self._logs.mkdir(parents=True, exist_ok=True)
        for log in self._logs.glob("*.log"):
            log.replace(log.with_suffix(".log.1"))  # those of the run before, and no older ones
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def log_of(self, name: str) -> Path:
        """The component's log file."""
        return self._logs / f"{name}.log"

    def start(self, component: Component) -> None:
        """Starts a component and returns at once."""
        self._running[component.name] = _Running(component, self._spawn(component), started=time.monotonic())
        self._write_record()

    def run_once(self, component: Component) -> None:
        """Runs a program to its end.

        Raises:
            ServiceError: it failed; the message names its log.
        """
        process = self._spawn(component)
        if process.wait() != 0:
            raise ServiceError(
                f"{component.name} ended with exit code {process.returncode}: see {self.log_of(component.name)}"
            )

    def wait_ready(self, component: Component, *, timeout_seconds: float) -> None:
        """Waits until the component serves, restarting it on the way.

        Raises:
            ServiceError: it does not in time, or it died too often.
        """
        deadline = time.monotonic() + timeout_seconds
        while not component.is_ready():
            self.watch()
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"{component.name} did not answer within {timeout_seconds:g} s: see {self.log_of(component.name)}"
                )
            time.sleep(0.1)

    def watch(self) -> None:
        """One round: restarts what died, after a pause that doubles; ends what lost its parent; kills what is stuck.

        Raises:
            ServiceError: a component died again after its last restart.
        """
        for running in self._running.values():
            if running.restart_at is not None:
                if time.monotonic() >= running.restart_at:
                    self._restart(running)
            elif running.process.poll() is not None:
                self._schedule_restart(running)
        if time.monotonic() - self._looked_for_orphans > ORPHAN_SECONDS:
            self._looked_for_orphans = time.monotonic()
            self._end_orphans()
        if time.monotonic() - self._looked_for_stuck > self._look_seconds:
            self._kill_stuck()
            self._looked_for_stuck = time.monotonic()

    def stop(self) -> None:
        """Ends all components, the last started first, and then whatever is left below this process."""
        self.say("stopping")
        for running in reversed(self._running.values()):
            self._stop(running)
        self._running.clear()
        end_processes(psutil.Process().children(recursive=True), grace_seconds=self._grace_seconds)
        self._record.unlink(missing_ok=True)

    def _spawn(self, component: Component) -> "subprocess.Popen[bytes]":
        with self.log_of(component.name).open("ab") as log:
            return subprocess.Popen(
                component.command,
                cwd=self._folder,
                env=dict(component.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **as_user(component.user),
                start_new_session=True,  # a Ctrl-C in the terminal reaches the supervisor alone
                preexec_fn=partial(end_with_parent, component.stop_signal or Signals.SIGTERM),
            )

    def _end_orphans(self) -> None:
        """SIGTERM when an orphan is first seen, SIGKILL when its grace is over; nothing waits meanwhile."""
        lost = with_descendants(orphans({running.process.pid for running in self._running.values()}))
        seen = {process.pid: self._orphans.get(process.pid) for process in lost}
        for process in lost:
            since = seen[process.pid]
            with contextlib.suppress(psutil.NoSuchProcess):
                if since is None:
                    process.terminate()
                elif time.monotonic() - since > self._grace_seconds:
                    process.kill()
        self._orphans = {pid: time.monotonic() if since is None else since for pid, since in seen.items()}

    def _kill_stuck(self) -> None:
        """SIGKILL, because what does not serve does not listen; what stood below it is an orphan then, and ended."""
        for running in self._running.values():
            if running.restart_at is not None:
                continue
            if running.component.is_ready():
                running.served = time.monotonic()
                continue
            patience = self._start_seconds if running.served is None else self._stuck_seconds
            if time.monotonic() - (running.served or running.started) > patience:
                self.say(f"{running.component.name} has not answered for {patience:g} s")
                running.process.kill()

    def _schedule_restart(self, running: _Running) -> None:
        name, code = running.component.name, running.process.returncode
        if time.monotonic() - running.started > STEADY_SECONDS:
            running.n_restarts = 0
        if running.n_restarts == MAX_RESTARTS:
            raise ServiceError(f"{name} died {MAX_RESTARTS + 1} times in a row: see {self.log_of(name)}")
        pause = self._backoff_seconds * 2**running.n_restarts
        running.n_restarts += 1
        running.restart_at = time.monotonic() + pause
        how = f"exit code {code}" if code >= 0 else Signals(-code).name
        self.say(f"{name} died ({how}): restart {running.n_restarts} of {MAX_RESTARTS} in {pause:g} s")

    def _restart(self, running: _Running) -> None:
        running.process = self._spawn(running.component)
        running.started = time.monotonic()
        running.served = running.restart_at = None
        self._write_record()

    def _stop(self, running: _Running) -> None:
        if running.process.poll() is not None:
            return
        tree = with_descendants([psutil.Process(running.process.pid)])
        if running.component.stop_signal is not None:
            running.process.send_signal(running.component.stop_signal)
            psutil.wait_procs(tree, timeout=self._grace_seconds)
        end_processes(tree, grace_seconds=self._grace_seconds)

    def _write_record(self) -> None:
        alive = [r for r in self._running.values() if r.process.poll() is None]
        write_records(self._record, [ProcessRecord.of(r.component.name, r.process.pid) for r in alive])
