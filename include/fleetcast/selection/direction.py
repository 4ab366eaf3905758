"""How well each column alone tells breakouts from reversals, in standard errors over blocks of time.

A model of three classes spends its splits on what tells *neither* from the other two, which volatility does best, and
on few rows hardly looks at direction, which alone can promote a model. This statistic looks at nothing else.

Tried on eight planted families of micro fleets (oracle direction AUC 0.70, 40 columns; mean T of direction over five
folds and the holdout): the models' gains alone 2.9, this statistic alone 3.5, one list of both a variant 3.6, and 4.3
with classes under the lowest threshold; whole fleets found 3 of the 8 families before and 7 with it, and 26 of 40 in
twenty fleets that nothing was chosen by. On the bundled bars (preset sample, 72 variants on 70 to 90 % of time, with it
less without): log loss -0.011 +- 0.004, ROC AUC of direction +0.015 +- 0.006, delta +0.002 +- 0.005.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

N_GRADES = 16  # of n, a rank sum loses 1 / n^2 of its power
MAX_SAMPLE_ROWS = 5000  # that a column's grades are cut by
HORIZONS_A_BLOCK = 2  # so that labels that overlap lie in one block or in two neighbours
CHUNK_COLUMNS = 256

Grades = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float64]


def grade_columns(X: npt.NDArray[np.float32]) -> Grades:
    """Each value's grade among its column's, once for all variants: outliers count no more than the next in rank.

    Args:
        X: ``(n_rows, n_columns)``, NaN where unknown; that gets the median's grade.

    Returns:
        ``(n_columns, n_rows)``, 0 to 16: how many of the least value and the fifteen cuts into sixteenths lie below it.
    """
    grades = np.empty((X.shape[1], len(X)), dtype=np.uint8)
    for first in range(0, X.shape[1], CHUNK_COLUMNS):
        for i, column in enumerate(np.ascontiguousarray(X[:, first : first + CHUNK_COLUMNS].T), start=first):
            grades[i] = _grade(column)
    return grades


def direction_scores(
    grades: Grades, *, place: npt.NDArray[np.intp], y: npt.NDArray[np.int8], block: npt.NDArray[np.integer]
) -> Scores:
    """How far each column's grades differ between breakouts and reversals, ``(n_columns,)``, in standard errors.

    It is the rank sum of Wilcoxon and Mann & Whitney, taken apart into blocks of time whose sums are compared with
    their own spread, because labels of neighbours share their future and columns remember their past. The sign is
    dropped: a column is as good upside down.

    Args:
        grades: from `grade_columns`.
        place: of the variant's events in it, ``(n_events,)``.
        y: their classes; those that are neither are left out.
        block: of time that each lies in, rising.

    Returns:
        0 where a column does not move on these events, and everywhere when one of both classes is missing.

    Source: own choice: the rank sum as in Mann & Whitney 1947, studentised by blocks as in Ibragimov & Mueller 2010.
    """
    decided = y < 2
    place, block, is_breakout = place[decided], block[decided], y[decided] == 0
    if is_breakout.all() or not is_breakout.any():
        return np.zeros(len(grades))
    weight = (is_breakout - is_breakout.mean()).astype(np.float32)
    starts = np.flatnonzero(np.diff(block, prepend=block[0] - 1))
    return np.concatenate([_studentised(own, weight, starts=starts) for own in _chunks(grades, place)])


def blocks_of(row: npt.NDArray[np.integer], *, horizon_bars: int) -> npt.NDArray[np.integer]:
    """The block of time that each timeline row lies in, ``(n_rows,)``."""
    return row // (HORIZONS_A_BLOCK * horizon_bars)


def _grade(column: npt.NDArray[np.float32]) -> Grades:
    """Sixteen comparisons a value: searching for its place among 64 took four times as long."""
    grades, unknown = np.zeros(len(column), dtype=np.uint8), np.isnan(column)
    known = column[~unknown]
    if not len(known):
        return grades
    sample = np.sort(known[:: -(-len(known) // MAX_SAMPLE_ROWS)])
    edges = np.unique(sample[np.arange(N_GRADES) * len(sample) // N_GRADES])  # from the least, which may be a kind
    for edge in edges:
        grades += column > edge
    grades[unknown] = np.count_nonzero(sample[len(sample) // 2] > edges)
    return grades


def _chunks(grades: Grades, place: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.float32]]:
    for first in range(0, len(grades), CHUNK_COLUMNS):
        yield grades[first : first + CHUNK_COLUMNS, place].astype(np.float32)


def _studentised(
    own: npt.NDArray[np.float32], weight: npt.NDArray[np.float32], *, starts: npt.NDArray[np.intp]
) -> Scores:
    centred = own - own.mean(axis=1, keepdims=True)
    sums = np.add.reduceat(centred * weight, starts, axis=1).astype(np.float64)
    spread = np.sqrt((sums**2).sum(axis=1))
    scores = np.zeros(len(own))
    np.divide(np.abs(sums.sum(axis=1)), spread, out=scores, where=spread > 0)
    return scores
