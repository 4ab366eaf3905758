"""Parts of bar time: the same instants for every variant, and rows that belong to them by their labels' reach."""

import itertools
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fleetcast.errors import ConfigurationError

# Whole percents, so that the rows are exact: 0.7 * 90 is 62.99... in floating point.
SCREEN_PERCENT, TRAIN_PERCENT, VALIDATION_PERCENT = 50, 70, 90
STOP_PERCENT = 15  # of a fit's own training time, watched by early stopping


@dataclass(frozen=True)
class Parts:
    """Where the timeline is cut: each value is the first row of the next part.

    Screen and select use ``[0, screen_end)``, stage 1 trains on ``[0, train_end)`` and is judged on
    ``[train_end, validation_end)``; ``[validation_end, n_rows)`` is the holdout.
    """

    screen_end: int
    train_end: int
    validation_end: int
    n_rows: int

    @classmethod
    def of(cls, n_rows: int) -> "Parts":
        """The parts of a timeline of ``n_rows`` rows: up to 50, 70, 90 and 100 % of bar time.

        Raises:
            ConfigurationError: a part would have no row.
        """
        cuts = [percent * n_rows // 100 for percent in (SCREEN_PERCENT, TRAIN_PERCENT, VALIDATION_PERCENT)]
        edges = [0, *cuts, n_rows]
        if any(stop <= start for start, stop in itertools.pairwise(edges)):
            raise ConfigurationError(f"cannot cut {n_rows} rows into four parts: got cuts at {edges}. Load more bars.")
        return cls(screen_end=cuts[0], train_end=cuts[1], validation_end=cuts[2], n_rows=n_rows)

    def bounds(self, part: Literal["screen", "train", "validation", "holdout"]) -> tuple[int, int]:
        """The part's first row and the row after its last one."""
        return {
            "screen": (0, self.screen_end),
            "train": (0, self.train_end),
            "validation": (self.train_end, self.validation_end),
            "holdout": (self.validation_end, self.n_rows),
        }[part]


def part_rows(
    row: npt.NDArray[np.integer[Any]], end_row: npt.NDArray[np.integer[Any]], *, start: int, stop: int
) -> npt.NDArray[np.bool_]:
    """Which events belong to the part ``[start, stop)``.

    An event whose label ends at or beyond ``stop`` is purged: what decides it is not known before the next part.
    Purging by the bar that decided it instead would keep just those late events that were decided early.

    Args:
        row: the events' timeline rows, ``(n_events,)``.
        end_row: the timeline rows where their labels end, event bar plus horizon, ``(n_events,)``.
        start: the part's first row.
        stop: the next part's first row.

    Returns:
        A mask, ``(n_events,)``.
    """
    return (row >= start) & (end_row < stop)


def fit_stop_boundary(start: int, stop: int) -> int:
    """The row where a fit's own training ends and the rows that early stopping watches begin.

    Early stopping watches the last 15 % of the training time ``[start, stop)``; the fit itself uses
    ``part_rows(..., start=start, stop=boundary)``.

    Raises:
        ConfigurationError: too few rows to hold both.
    """
    boundary = start + (100 - STOP_PERCENT) * (stop - start) // 100
    if not start < boundary < stop:
        raise ConfigurationError(f"cannot watch the last rows of [{start}, {stop}): expected two rows or more")
    return boundary
