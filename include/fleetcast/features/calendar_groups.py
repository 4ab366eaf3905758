"""Calendar days and weeks of bars: what has happened so far in this one, and what the one before ended with."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from fleetcast.features.columns import Values
from fleetcast.features.memory import MEMORY_BARS

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
FIRST_MONDAY_MS = 4 * DAY_MS  # the epoch began on a Thursday


@dataclass(frozen=True)
class CalendarGroups:
    """Consecutive bars of one day or week. ``start`` is the first bar of each bar's group, ``(n_bars,)``.

    A group that began more than `MEMORY_BARS` ago gives NaN: a week of 5 minutes is longer than that.
    """

    start: npt.NDArray[np.int64]

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """First bar of every group, ``(n_groups,)``."""
        return np.flatnonzero(self.start == np.arange(len(self.start)))

    @cached_property
    def number(self) -> npt.NDArray[np.int64]:
        """Each bar's group, from 0, ``(n_bars,)``."""
        return np.searchsorted(self.starts, self.start)

    def so_far(self, x: Values, accumulate: Callable[[Values], Values]) -> Values:
        """``accumulate``, such as ``np.maximum.accumulate``, begun anew in each group."""
        found = np.empty(len(x))
        for first, stop in pairwise([*self.starts.tolist(), len(x)]):
            found[first:stop] = accumulate(x[first:stop])
        return self.remembered(found, since=self.start)

    def opening(self, x: Values) -> Values:
        """The value at the group's first bar."""
        return self.remembered(x[self.start], since=self.start)

    def before(self, so_far: Values, *, n_groups: int = 1) -> Values:
        """The value with which the ``n_groups``-th group before ended; NaN where there is none so near."""
        earlier = self.number - n_groups
        first = self.starts[np.maximum(earlier, 0)]
        last = np.append(self.starts[1:], len(self.start))[np.maximum(earlier, 0)] - 1
        return np.where(earlier >= 0, self.remembered(so_far[last], since=first), np.nan)

    def remembered(self, values: Values, *, since: npt.NDArray[np.int64]) -> Values:
        """NaN where the bar ``since`` which a value holds lies too far back."""
        return np.where(np.arange(len(values)) - since <= MEMORY_BARS, values, np.nan)


def group_by(timestamp: npt.NDArray[np.int64], *, length_ms: int, offset_ms: int = 0) -> CalendarGroups:
    """Groups of UTC days (``DAY_MS``) or of weeks from Monday (``WEEK_MS``, offset ``FIRST_MONDAY_MS``)."""
    number = (timestamp - offset_ms) // length_ms
    rows = np.arange(len(timestamp))
    changed = np.concatenate([[True], number[1:] != number[:-1]])
    return CalendarGroups(start=np.maximum.accumulate(np.where(changed, rows, 0)))
