"""Trailing windows of one series, taken at chosen bars only and in chunks, so that memory stays bounded."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

CHUNK_VALUES = 2_000_000  # float64 values that one chunk of windows holds


def chunks(n_windows: int, *, n_bars: int) -> Iterator[slice]:
    """Slices of ``n_windows`` windows, each small enough to be held in memory ``n_bars`` wide."""
    size = max(1, CHUNK_VALUES // n_bars)
    for start in range(0, n_windows, size):
        yield slice(start, start + size)


def trailing(values: Floats, t: Indices, *, n_bars: int, reduce: Callable[[Floats], Floats]) -> Floats:
    """``reduce`` of the ``n_bars`` values up to and with each bar of ``t``.

    Args:
        values: one value a bar, ``(n,)``.
        t: bars, ``(n_events,)``.
        n_bars: the window's length.
        reduce: from ``(n_windows, n_bars)`` to ``(n_windows,)``.

    Returns:
        ``(n_events,)``; NaN where there are fewer than ``n_bars`` values.
    """
    result = np.full(len(t), np.nan)
    long_enough = np.flatnonzero(t >= n_bars - 1)
    if len(long_enough):
        windows = np.lib.stride_tricks.sliding_window_view(values, n_bars)
        for part in chunks(len(long_enough), n_bars=n_bars):
            events = long_enough[part]
            result[events] = reduce(windows[t[events] - n_bars + 1])
    return result


def mean(windows: Floats) -> Floats:
    """The mean of each row."""
    return np.asarray(windows.mean(axis=1))


def standard_deviation(windows: Floats) -> Floats:
    """The standard deviation of each row, ddof 1, in two passes over values relative to the last one.

    Relative values make the deviation of a constant exactly 0.
    """
    return np.asarray((windows - windows[:, -1:]).std(axis=1, ddof=1))
