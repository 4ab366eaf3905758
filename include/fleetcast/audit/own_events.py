"""A column's own events, and few cuts that lie just after many columns' events.

A value that shows the next bar's event one bar early is found by cutting the bars right after that value, and nowhere
else: what is rarely anything but 0 is rarely found at rows that are chosen beforehand. So each column is cut at rows
where it itself did what it seldom does.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from fleetcast.features.engine import Matrix

Mask = npt.NDArray[np.bool_]
N_CANDIDATES = 100  # of a column's rows: the more there are, the more columns share a cut
NO_STEP, MUCH_LESS = 1e-6, 1e-3  # of the largest step, and of the score of those wanted


def own_events(values: Matrix, *, n_wanted: int) -> Mask:
    """The rows at which each column did what it seldom does, ``(n_rows, n_columns)``; never the last one.

    An event is a step that is not the usual one (of a flag: any; of a counter: any but one more; of a price: a large
    one), and counts for more the further it leads from the usual value: that a flag falls again is an event only where
    it does not rise ``n_wanted`` times. Being unknown is a value like another. Source: own choice.
    """
    filled = _with_unknown_as_value(values)
    steps = np.diff(filled, axis=0, prepend=filled[:1])
    unusual = np.abs(steps - np.median(steps, axis=0))
    unusual[0] = 0.0
    far = np.abs(filled - np.median(filled, axis=0))
    score = unusual * (far + NO_STEP * far.max(axis=0, initial=0.0))
    score[-1] = 0.0
    candidate, wanted = (len(score) - min(n, len(score)) for n in (N_CANDIDATES, n_wanted))
    ordered = np.partition(score, (candidate, wanted), axis=0)
    least = np.maximum(ordered[candidate], MUCH_LESS * ordered[wanted])
    return np.asarray((score >= least) & (unusual > NO_STEP * unusual.max(axis=0, initial=0.0)) & (score > 0))


def choose_cuts(events: Mask, *, n_events: int) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
    """Rows, each with the columns to look at there, until every column has been cut at so many of its events.

    The row with the most columns that need it comes first, of equal ones the earliest: it costs least. Columns with
    fewer events are cut at all of them.
    """
    left = np.minimum(events.sum(axis=0), n_events)
    open_events = events.copy()
    while left.any():
        row = int(np.argmax(open_events[:, left > 0].sum(axis=1)))
        columns = np.flatnonzero(open_events[row] & (left > 0))
        yield row, columns
        open_events[row] = False
        left[columns] -= 1


def _with_unknown_as_value(values: Matrix) -> npt.NDArray[np.float64]:
    """The values, and below the lowest one of a column where it has none, ``(n_rows, n_columns)``."""
    unknown = np.isnan(values)
    highest = np.where(unknown, -np.inf, values).max(axis=0, initial=-np.inf)
    lowest = np.where(unknown, np.inf, values).min(axis=0, initial=np.inf)
    known = np.isfinite(lowest)
    below = np.where(known, 2.0 * np.where(known, lowest, 0.0) - np.where(known, highest, 0.0) - 1.0, 0.0)
    return np.asarray(np.where(unknown, below, values), dtype=np.float64)
