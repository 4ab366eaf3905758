"""The rows that steps used: no label reaches into a later part, and what chose columns saw training rows alone."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fleetcast.errors import LookAheadError

Rows = npt.NDArray[np.integer[Any]]
N_SHOWN = 3


@dataclass(frozen=True)
class UsedRows:
    """Events that one step used for one purpose: they and their labels must lie in ``[start, stop)``.

    ``row`` and ``end_row`` are timeline rows of the events and of the last bars of their labels, ``(n_events,)``.
    """

    purpose: str
    row: Rows
    end_row: Rows
    start: int
    stop: int

    @property
    def n_outside(self) -> int:
        """How many events lie outside, or have labels that reach beyond."""
        return int(((self.row < self.start) | (self.row >= self.stop) | (self.end_row >= self.stop)).sum())


def find_outside(used: Iterable[UsedRows]) -> tuple[int, list[str]]:
    """How many rows were looked at, and a line for every use with rows outside its part."""
    n_rows, leaks = 0, []
    for one in used:
        n_rows += len(one.row)
        if one.n_outside:
            leaks.append(
                f"{one.purpose}: {one.n_outside} of {len(one.row)} rows lie outside [{one.start}, {one.stop}) or have "
                f"labels that do; the last label ends at row {int(np.max(one.end_row))}"
            )
    return n_rows, leaks


def check_inside(used: Iterable[UsedRows]) -> int:
    """How many rows were looked at.

    Raises:
        LookAheadError: naming the uses whose rows or labels reach into a later part.
    """
    n_rows, leaks = find_outside(used)
    if leaks:
        shown = "; ".join(leaks[:N_SHOWN]) + (f"; and {len(leaks) - N_SHOWN} more" if len(leaks) > N_SHOWN else "")
        raise LookAheadError(f"rows reach into a later part of time: {shown}. Mend the split before training.")
    return n_rows


def digest_rows(*rows: Rows) -> str:
    """16 hexadecimal digits over rows, so that what a step says it used can be compared."""
    digest = hashlib.sha256()
    for one in rows:
        digest.update(np.ascontiguousarray(one, dtype="<i8").tobytes() + b"|")
    return digest.hexdigest()[:16]
