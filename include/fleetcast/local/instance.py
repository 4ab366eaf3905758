"""One supervisor a folder: a lock that the kernel lets go of with the process, however it ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from fleetcast.errors import ConfigurationError
from fleetcast.local.processes import ProcessRecord, end_processes, read_records, with_descendants, write_records

STOP_SECONDS = 60.0


@contextlib.contextmanager
def only_instance(lock: Path) -> Iterator[None]:
    """Holds the lock, signed with this process.

    Raises:
        ConfigurationError: somebody else holds it, or its folder cannot be written.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        opened = lock.open("a")
    except OSError as exc:
        raise ConfigurationError(f"cannot keep state in {lock.parent}: {exc.strerror}. Choose another --home") from exc
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise ConfigurationError(
                f"already running here ({_describe_holder(lock)}): open its addresses, or end it with `make down`"
            ) from exc
        write_records(_signature(lock), [ProcessRecord.of("supervisor", os.getpid())])
        yield


def stop_instance(lock: Path, *, started: Path) -> bool:
    """Ends the supervisor that holds the lock, and whatever a killed one has left; False when there was nothing.

    Only processes that signed are ended: a number that belongs to another process by now is left alone.
    """
    found = False
    supervisors = [record.find() for record in read_records(_signature(lock))] if is_held(lock) else []
    for supervisor in filter(None, supervisors):
        found = True
        end_processes([supervisor], grace_seconds=STOP_SECONDS)
    return end_leftovers(started) or found


def end_leftovers(started: Path, *, grace_seconds: float = 10.0) -> bool:
    """Ends what a supervisor that was killed had started; False when nothing of it runs."""
    processes = [process for record in read_records(started) if (process := record.find())]
    end_processes(with_descendants(processes), grace_seconds=grace_seconds)
    started.unlink(missing_ok=True)
    return bool(processes)


def is_held(lock: Path) -> bool:
    """Whether a supervisor runs here."""
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _signature(lock: Path) -> Path:
    return lock.with_suffix(".json")


def _describe_holder(lock: Path) -> str:
    return ", ".join(f"process {record.pid}" for record in read_records(_signature(lock))) or "process unknown"
