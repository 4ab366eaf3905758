"""Confirmed swings: a bar beyond its neighbours on both sides, known only when the later ones have closed."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from fleetcast.features.columns import Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.memory import MEMORY_BARS
from fleetcast.features.rolling import Flags, highest, lag


@dataclass(frozen=True)
class ConfirmedSwings:
    """What is known at each bar of the swings of one side, arrays ``(n_bars,)``; NaN while there is none.

    A swing whose bar lies more than `MEMORY_BARS` back is forgotten. ``bar`` is the index of the last confirmed
    swing's bar (-1 while there is none), ``level`` and ``previous_level`` are prices, ``previous_age`` counts bars
    since the swing before, ``streak`` how many times in a row swings went higher (positive) or lower (negative).
    ``all_bars`` (n_swings,) holds the bars of all swings, ``n_found`` (n_bars,) how many of them are confirmed.
    """

    confirmed: Flags
    bar: npt.NDArray[np.int64]
    level: Values
    previous_level: Values
    previous_age: Values
    streak: Values
    all_bars: npt.NDArray[np.int64]
    n_found: npt.NDArray[np.int64]

    @property
    def age(self) -> Values:
        """Bars since the last confirmed swing's bar."""
        return np.where(self.bar >= 0, np.arange(len(self.bar)) - self.bar, np.nan)

    def nth_last_bar(self, n: int) -> npt.NDArray[np.int64]:
        """The bar of the ``n``-th last confirmed swing, from 0; -1 where there is none."""
        return _remembered(self.all_bars, self.n_found - n)


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


def highs_and_lows(bars: Inputs, window_bars: int) -> tuple[ConfirmedSwings, ConfirmedSwings]:
    """The confirmed swings of both sides."""
    return (
        confirmed_swings(bars, "high", window_bars=window_bars),
        confirmed_swings(bars, "low", window_bars=window_bars),
    )


def _find(prices: Values, window_bars: int, sign: float) -> ConfirmedSwings:
    candidate = lag(prices, window_bars)
    tops = highest(prices, window_bars)
    confirmed = (candidate > lag(tops, window_bars + 1)) & (candidate >= tops)
    at = np.flatnonzero(confirmed) - window_bars
    n_found = np.cumsum(confirmed).astype(np.int64)
    last, previous = _remembered(at, n_found), _remembered(at, n_found - 1)
    return ConfirmedSwings(
        confirmed=confirmed,
        bar=last,
        level=_at(prices, last) * sign,
        previous_level=_at(prices, previous) * sign,
        previous_age=np.where(previous >= 0, np.arange(len(prices)) - previous, np.nan),
        streak=_streaks(np.sign(np.diff(prices[at] * sign)), at, n_found),
        all_bars=at,
        n_found=n_found,
    )


def _remembered(at: npt.NDArray[np.int64], count: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The bar of the ``count``-th swing, from 1; -1 where there is none, or it lies too far back."""
    bar = np.concatenate([[-1], at])[np.clip(count, 0, len(at))]
    return np.where(np.arange(len(count)) - bar <= MEMORY_BARS, bar, -1).astype(np.int64)


def _at(values: Values, bar: npt.NDArray[np.int64]) -> Values:
    return np.where(bar >= 0, values[np.maximum(bar, 0)], np.nan)


def _streaks(steps: Values, at: npt.NDArray[np.int64], n_found: npt.NDArray[np.int64]) -> Values:
    """Signed length of the run of equal steps between remembered swings; 0 where the level did not change.

    Args:
        steps: sign of each step from a swing to the next, ``(n_swings - 1,)``.
        at: the swings' bars, ``(n_swings,)``.
        n_found: how many swings are confirmed at each bar, ``(n_bars,)``.
    """
    steps = np.concatenate([[0.0], steps])
    begins = np.concatenate([[True], steps[1:] != steps[:-1]])
    run = np.maximum.accumulate(np.where(begins, np.arange(len(steps)), 0))
    last = np.maximum(n_found - 1, 0)
    first = np.searchsorted(at, np.arange(len(n_found)) - MEMORY_BARS)
    length = np.maximum(last - np.maximum(run[last], first + 1) + 1, 0)
    return np.where((n_found > 0) & (last >= first), steps[last] * length, np.nan)
