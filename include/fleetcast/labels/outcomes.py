"""Outcomes: what followed a swing within a horizon, and at which bar that was certain."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.data.windows import chunks
from fleetcast.labels.swings import SwingPath, Swings

BREAKOUT, REVERSAL, NEITHER = 0, 1, 2
CLASS_NAMES = ("breakout", "reversal", "neither")
UNKNOWN = -1  # the label does not exist: the horizon reaches beyond the last bar

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Outcomes:
    """Outcomes of a family's events, ``(n_events, n_thresholds, n_horizons)`` each.

    ``outcome`` is a class or -1; ``known`` the bar at which it was certain, counted in the symbol's own bars, or -1.
    """

    outcome: npt.NDArray[np.int8]
    known: Indices


def find_outcomes(
    path: SwingPath, swings: Swings, *, thresholds: Sequence[float], horizon_bars: Sequence[int]
) -> Outcomes:
    """Follows every swing over every horizon.

    With ``b = threshold * volatility * sqrt(horizon)``, *breakout* is when log high first reaches ``log high[t] + b``,
    *reversal* when log low first reaches ``2 * log close[t] - log high[t] - b``, the same distance on the other side
    of the close: a barrier measured from the close alone would let the event bar's wick give the class away. If one
    bar does both, its close decides: beyond the swing's high a breakout, else a reversal. A volatility of 0 puts the
    barriers at the swing's own high and at its mirror. The label exists only if the bar ``t + horizon`` does.

    Source: own definition, stated in full here.
    """
    shape = (len(swings.t), len(thresholds), len(horizon_bars))
    outcome = np.full(shape, UNKNOWN, np.int8)
    known = np.full(shape, UNKNOWN, np.int64)
    longest = max(horizon_bars)
    highs = _following(path.high, longest, beyond_end=-np.inf)
    lows = _following(path.low, longest, beyond_end=np.inf)
    for part in chunks(len(swings.t), n_bars=longest):
        t, volatility = swings.t[part], swings.volatility[part]
        high_after, low_after = highs[t], lows[t]
        for k, horizon in enumerate(horizon_bars):
            exists = t + horizon < len(path.high)
            for j, threshold in enumerate(thresholds):
                barrier = threshold * volatility * np.sqrt(horizon)
                up = _first_true(high_after[:, :horizon] >= (path.high[t] + barrier)[:, None])
                floor = 2 * path.close[t] - path.high[t] - barrier
                down = _first_true(low_after[:, :horizon] <= floor[:, None])
                found, step = _decide(path, t, up=up, down=down, horizon=horizon)
                outcome[part, j, k] = np.where(exists, found, UNKNOWN)
                known[part, j, k] = np.where(exists, t + step, UNKNOWN)
    return Outcomes(outcome=outcome, known=known)


def _following(values: Floats, n_bars: int, *, beyond_end: float) -> Floats:
    """The ``n_bars`` values after each bar as a view, ``(n, n_bars)``."""
    padded = np.concatenate([values[1:], np.full(n_bars, beyond_end)])
    return np.lib.stride_tricks.sliding_window_view(padded, n_bars)


def _first_true(reached: npt.NDArray[np.bool_]) -> Indices:
    """The first true column of each row, counted from 1; one beyond the last column where there is none."""
    first = reached.argmax(axis=1)
    found = reached[np.arange(len(first)), first]
    return np.asarray(np.where(found, first + 1, reached.shape[1] + 1), np.int64)


def _decide(path: SwingPath, t: Indices, *, up: Indices, down: Indices, horizon: int) -> tuple[Indices, Indices]:
    """The class of each event, and after how many bars it was certain."""
    step = np.minimum(np.minimum(up, down), horizon)
    decider = np.minimum(t + step, len(path.close) - 1)
    closes_beyond = path.close_price[decider] > path.high_price[t]
    same_bar = np.where(closes_beyond, BREAKOUT, REVERSAL)
    touched = np.where(up < down, BREAKOUT, np.where(down < up, REVERSAL, same_bar))
    return np.where(np.minimum(up, down) > horizon, NEITHER, touched), step
