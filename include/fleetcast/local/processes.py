"""Processes as the kernel has them: adopting what loses its parent, and ending whole trees."""

import contextlib
import ctypes
import os
import pwd
import signal
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, ConfigDict, TypeAdapter

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None)  # loaded before any fork


class ProcessRecord(BaseModel):
    """One process, told from a later one with the same number by when it began."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int
    create_time: float

    @classmethod
    def of(cls, name: str, pid: int) -> "ProcessRecord":
        """The record of a process that runs."""
        return cls(name=name, pid=pid, create_time=psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """The process, or None when it has ended."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if process.create_time() == self.create_time and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


_RECORDS = TypeAdapter(list[ProcessRecord])


def write_records(path: Path, records: Iterable[ProcessRecord]) -> None:
    """Stores what runs, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(_RECORDS.dump_json(list(records)))
    fresh.replace(path)


def read_records(path: Path) -> list[ProcessRecord]:
    """What an earlier supervisor had started; nothing when the file is missing or broken."""
    try:
        return _RECORDS.validate_json(path.read_bytes())
    except (OSError, ValueError):
        return []


def adopt_orphans() -> None:
    """Makes this process the parent of every descendant that loses its own, so that none can slip away."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent(how: signal.Signals) -> None:
    """To be called in a child before it runs its program: the kernel sends the signal when the parent is killed."""
    _libc.prctl(PR_SET_PDEATHSIG, how)


def as_user(name: str | None) -> dict[str, Any]:
    """What `subprocess` needs to run as another user with that user's groups alone, not root's; nothing for None."""
    if name is None:
        return {}
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}


def orphans(known: Collection[int]) -> list[psutil.Process]:
    """This process's children that it did not start: their parents died. Ended ones are reaped on the way."""
    found = []
    for child in psutil.Process().children():
        if child.pid in known:
            continue
        with contextlib.suppress(ChildProcessError, psutil.NoSuchProcess):
            reaped, _ = os.waitpid(child.pid, os.WNOHANG)
            if not reaped:
                found.append(child)
    return found


def with_descendants(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """The processes and everything below them, whatever sessions they made for themselves."""
    found: dict[int, psutil.Process] = {}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {p.pid: p for p in [process, *process.children(recursive=True)]}
    return list(found.values())


def end_processes(processes: Iterable[psutil.Process], *, grace_seconds: float) -> None:
    """SIGTERM, time to finish, then SIGKILL; returns when none of them runs."""
    remaining = list(processes)
    for process in remaining:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, remaining = psutil.wait_procs(remaining, timeout=grace_seconds)
    for process in remaining:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(remaining, timeout=5.0)
