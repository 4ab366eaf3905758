"""Several processes that run trials side by side until there are none left, each handing back its trial when stopped.

They are forked before anything is read: neither the object store's client nor LightGBM survives a fork.
"""

import logging
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from fleetcast.errors import ConfigurationError, FleetcastError, TrialsError
from fleetcast.training.workers import end_with_parent

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.5  # how soon a request to stop is seen
STOP_SECONDS = 20.0  # to hand a trial back; then the process is killed, and the trial's lease runs out by itself


@dataclass(frozen=True)
class _Running:
    process: BaseProcess
    messages: Connection


class TrialProcesses:
    """Runs ``work`` in each of ``n_processes`` processes.

    Args:
        work: gets the process's place, from 0; returns when nothing is left to do.
        n_processes: side by side.
        memory_bytes: limit of one, beyond what it shares with this process.
    """

    def __init__(self, work: Callable[[int], None], *, n_processes: int, memory_bytes: int) -> None:
        self._work = work
        self._n_processes = n_processes
        self._memory_bytes = memory_bytes
        self._stopping = False

    def stop(self) -> None:
        """Asks for an end: every process hands its trial back; safe to call from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Returns when all processes have ended well.

        Raises:
            ConfigurationError: one of them found what no retry can help.
            TrialsError: one failed or was killed, or all were asked to stop.
        """
        running = [self._start(place) for place in range(self._n_processes)]
        try:
            self._wait(running)
        finally:
            for one in running:
                one.process.kill()
                one.process.join()
        self._check_ends(running)

    def _start(self, place: int) -> _Running:
        reader, writer = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(
            target=_in_process,
            args=(self._work, place, writer),
            kwargs={"memory_bytes": self._memory_bytes, "parent": os.getpid()},
            name=f"trials-{place}",
            daemon=True,
        )
        process.start()
        writer.close()
        return _Running(process, reader)

    def _wait(self, running: list[_Running]) -> None:
        """Until all have ended, or some have not in the time to stop."""
        kill_at = float("inf")
        while alive := [one.process for one in running if one.process.is_alive()]:
            if self._stopping:
                kill_at = min(kill_at, time.monotonic() + STOP_SECONDS)
                for process in alive:
                    process.terminate()  # again each time: one that has just been forked may not have heard
            if time.monotonic() > kill_at:
                return
            wait([process.sentinel for process in alive], timeout=POLL_SECONDS)

    def _check_ends(self, running: list[_Running]) -> None:
        failures = [(one.process.exitcode, _describe(one)) for one in running if one.process.exitcode != 0]
        for code, message in failures:
            if code == ConfigurationError.exit_code:
                raise ConfigurationError(message)
        if self._stopping:
            raise TrialsError("stopped on request; trials under way were handed back. Run the job again to go on.")
        if failures:
            raise TrialsError(
                f"{len(failures)} of {len(running)} processes failed, the first: {failures[0][1]}. Run the job again "
                "to go on with what is left."
            )


def _describe(ended: _Running) -> str:
    try:
        return str(ended.messages.recv())
    except EOFError:
        code = ended.process.exitcode
        return f"ended by {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"


def _in_process(
    work: Callable[[int], None], place: int, messages: Connection, *, memory_bytes: int, parent: int
) -> None:
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which then ends this process
    end_with_parent(parent)
    _limit_memory(memory_bytes)
    try:
        work(place)
    except FleetcastError as exc:
        messages.send(str(exc))
        sys.exit(exc.exit_code)
    except Exception as exc:
        logger.exception("unexpected error")
        messages.send(f"{type(exc).__name__}: {exc}")
        sys.exit(1)


def _limit_memory(memory_bytes: int) -> None:
    """Of what this process writes to: the store's client has threads that set aside room which they never use."""
    if sys.platform == "linux":
        in_use = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_DATA, (in_use + memory_bytes, resource.RLIM_INFINITY))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Ends what runs, wherever it is; the trial is handed back on the way out, which nothing disturbs any more."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise TrialsError("stopped on request")
