"""A watching parent, so that nothing outlives the process that does the work, however that process ends."""

import os
import signal
import sys

import psutil

from fleetcast.errors import ServiceError
from fleetcast.local.processes import adopt_orphans, end_processes, end_with_parent

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def go_on_guarded(*, grace_seconds: float = 10.0) -> None:
    """Returns in a child; this process stays behind, hands on its signals and ends what the child has left.

    The kernel gives the guard whatever loses its parent when the child is killed. When the guard is killed the child
    is told to end, and cleans up itself. The child has a process group of its own: a Ctrl-C in the terminal reaches
    the guard alone, and the child once.

    Raises:
        SystemExit: in the guard, when the child has ended: with its exit code.
        ServiceError: in the guard, when the child was killed.
    """
    adopt_orphans()
    guard = os.getpid()
    sys.stdout.flush()  # or both would write it
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        end_with_parent(signal.SIGTERM)
        if os.getppid() != guard:  # it died before the line above
            sys.exit(1)
        return
    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, lambda signum, _: os.kill(child, signum))
    _, status = os.waitpid(child, 0)
    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, signal.SIG_IGN)
    end_processes(psutil.Process().children(recursive=True), grace_seconds=grace_seconds)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        raise ServiceError(
            f"killed by {signal.Signals(-code).name}; what it had started was ended. "
            "Another `make run` goes on from what is computed"
        )
    sys.exit(code)
