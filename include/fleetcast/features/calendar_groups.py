"""Calendar days and weeks of bars: what has happened so far in this one, and what the one before ended with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.features.columns import Values

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
FIRST_MONDAY_MS = 4 * DAY_MS  # the epoch began on a Thursday


@dataclass(frozen=True)
class CalendarGroups:
    """Consecutive bars of one day or week. ``start`` is the first bar of each bar's group, ``(n_bars,)``."""

    start: npt.NDArray[np.int64]

    def bounds(self) -> Iterator[tuple[int, int]]:
        """First bar and bar after the last of every group."""
        starts = np.unique(self.start)
        yield from zip(starts.tolist(), [*starts[1:].tolist(), len(self.start)], strict=True)

    def so_far(self, x: Values, accumulate: Callable[[Values], Values]) -> Values:
        """``accumulate``, such as ``np.maximum.accumulate``, begun anew in each group."""
        found = np.empty(len(x))
        for first, stop in self.bounds():
            found[first:stop] = accumulate(x[first:stop])
        return found

    def before(self, so_far: Values) -> Values:
        """The value with which the group before ended; NaN in the first group."""
        return np.where(self.start > 0, so_far[np.maximum(self.start - 1, 0)], np.nan)


def group_by(timestamp: npt.NDArray[np.int64], *, length_ms: int, offset_ms: int = 0) -> CalendarGroups:
    """Groups of UTC days (``DAY_MS``) or of weeks from Monday (``WEEK_MS``, offset ``FIRST_MONDAY_MS``)."""
    number = (timestamp - offset_ms) // length_ms
    rows = np.arange(len(timestamp))
    changed = np.concatenate([[True], number[1:] != number[:-1]])
    return CalendarGroups(start=np.maximum.accumulate(np.where(changed, rows, 0)))
