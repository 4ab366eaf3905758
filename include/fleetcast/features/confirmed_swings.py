"""Confirmed swings: a bar beyond its neighbours on both sides, known only when the later ones have closed."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from fleetcast.features.columns import Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import Flags, highest, lag


@dataclass(frozen=True)
class ConfirmedSwings:
    """What is known at each bar of the swings of one side, arrays ``(n_bars,)``; NaN while there is none yet.

    ``bar`` is the index of the last confirmed swing's bar (-1 while there is none), ``level`` and ``previous_level``
    are prices, ``previous_age`` counts bars since the swing before, ``streak`` how many times in a row swings went
    higher (positive) or lower (negative).
    """

    confirmed: Flags
    bar: npt.NDArray[np.int64]
    level: Values
    previous_level: Values
    previous_age: Values
    streak: Values

    @property
    def age(self) -> Values:
        """Bars since the last confirmed swing's bar."""
        return np.where(self.bar >= 0, np.arange(len(self.bar)) - self.bar, np.nan)


def confirmed_swings(bars: Inputs, side: Literal["high", "low"], *, window_bars: int) -> ConfirmedSwings:
    """The swings whose ``window_bars`` later bars have closed without going beyond them.

    Bar ``i`` is a swing high when its high is above the highs of the ``window_bars`` bars before it and not below
    those of the ``window_bars`` after it; it is known, and counted, at bar ``i + window_bars``. Lows mirror this.

    Source: Williams 1995, Trading Chaos (fractals), with the later bars made part of what must be known.
    """
    return bars.once(
        ("confirmed_swings", side, window_bars),
        lambda: _find(bars["high"] if side == "high" else -bars["low"], window_bars, 1.0 if side == "high" else -1.0),
    )


def _find(prices: Values, window_bars: int, sign: float) -> ConfirmedSwings:
    candidate = lag(prices, window_bars)
    tops = highest(prices, window_bars)
    confirmed = (candidate > lag(tops, window_bars + 1)) & (candidate >= tops)
    at = np.flatnonzero(confirmed) - window_bars
    levels = prices[at] * sign
    steps = np.sign(np.diff(levels, prepend=levels[:1]))
    n_found = np.cumsum(confirmed).astype(np.int64)
    rows = np.arange(len(prices))
    previous = _latest(at.astype(np.float64), n_found - 1)
    return ConfirmedSwings(
        confirmed=confirmed,
        bar=np.where(n_found > 0, _latest(at.astype(np.float64), n_found, missing=-1.0), -1).astype(np.int64),
        level=_latest(levels, n_found),
        previous_level=_latest(levels, n_found - 1),
        previous_age=rows - previous,
        streak=_latest(_streaks(steps), n_found),
    )


def _latest(values: Values, count: npt.NDArray[np.int64], *, missing: float = np.nan) -> Values:
    """The value of the ``count``-th swing, from 1."""
    padded = np.concatenate([[missing], values])
    return padded[np.clip(count, 0, len(values))]


def _streaks(steps: Values) -> Values:
    """Signed length of the run of equal steps that ends at each swing; 0 where the level did not change."""
    rows = np.arange(len(steps))
    begins = np.concatenate([[True], steps[1:] != steps[:-1]]) if len(steps) else np.zeros(0, dtype=bool)
    return steps * (rows - np.maximum.accumulate(np.where(begins, rows, 0)) + 1)
