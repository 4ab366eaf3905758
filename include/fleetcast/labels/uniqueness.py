"""Uniqueness: how much of a label is its own when outcomes overlap."""

from typing import Any

import numpy as np
import numpy.typing as npt


def average_uniqueness(
    row: npt.NDArray[np.integer[Any]], known_row: npt.NDArray[np.integer[Any]], n_rows: int
) -> npt.NDArray[np.float64]:
    """The mean, over the rows that decide a label, of 1 / the number of labels that the row helps to decide.

    Args:
        row: timeline rows of the event bars, ``(n_events,)``.
        known_row: timeline rows at which the outcomes were certain, each after its ``row``, ``(n_events,)``.
        n_rows: the timeline's length.

    Returns:
        In (0, 1], ``(n_events,)``; their sum is the number of independent labels that the events are worth.

    Source: López de Prado, Advances in Financial Machine Learning (2018), chapter 4.3 and 4.4, for the interval
    (event bar, known bar]: the event bar itself is known when the label's time begins.
    """
    starts = np.bincount(row + 1, minlength=n_rows + 2)
    ends = np.bincount(known_row + 1, minlength=n_rows + 2)
    n_labels = np.cumsum(starts - ends)
    share = np.divide(1.0, n_labels, out=np.zeros(len(n_labels)), where=n_labels > 0)
    shares_before = np.concatenate([[0.0], np.cumsum(share)])
    total = shares_before[known_row + 1] - shares_before[row + 1]
    return np.asarray(total / (known_row - row))
