"""Swings: the bars that go beyond the bars before them, how far they stand out, and how much the market moves there."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.data.bars import WARM_UP_BARS, SymbolBars, mean_bars
from fleetcast.data.windows import mean, standard_deviation, trailing
from fleetcast.fleet.variants import SwingType

VOLATILITY_BARS = 100  # log returns whose standard deviation is the unit of thresholds

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SwingPath:
    """Prices as a swing type sees them, ``(n_bars,)`` each: for lows mirrored, so that every swing is a high.

    ``high``, ``low`` and ``close`` are log prices, for distances; ``high_price`` and ``close_price`` are the prices
    themselves, for what is strictly above what, because the logs of two neighbouring numbers may be equal.
    """

    high: Floats
    low: Floats
    close: Floats
    high_price: Floats
    close_price: Floats

    @classmethod
    def of(cls, bars: SymbolBars, swing_type: SwingType) -> "SwingPath":
        """The bars' path; mirroring turns lows into highs and falling into rising."""
        high, low, close = np.log(bars.high), np.log(bars.low), np.log(bars.close)
        if swing_type == "high":
            return cls(high, low, close, high_price=bars.high, close_price=bars.close)
        return cls(-low, -high, -close, high_price=-bars.low, close_price=-bars.close)


@dataclass(frozen=True)
class Swings:
    """Swing events of one family, in order of time, ``(n_events,)`` each.

    ``t`` is the event bar, counted in the symbol's own bars; ``deviation`` how many standard deviations the swing
    stands beyond the mean log close; ``volatility`` the standard deviation of the last 100 log returns.
    """

    t: Indices
    deviation: Floats
    volatility: Floats


def find_swings(path: SwingPath, *, window_bars: int, min_deviation: float) -> Swings:
    """The swings with lookback ``window_bars`` that stand out by at least ``min_deviation``.

    A swing's high is strictly above the highs of the ``window_bars`` bars before it. Its deviation is (log high -
    mean of log close) / standard deviation (ddof 1) of log close, both over ``max(20, 4 * window_bars)`` bars up to
    and with it. It needs 200 earlier bars, or more where that window is longer. Where all those closes are equal the
    standard deviation is 0 and the deviation infinite: the swing is an event of every variant.

    Source: own definition, stated in full here.
    """
    t = _bars_above_those_before(path.high_price, window_bars)
    n_mean = mean_bars(window_bars)
    t = t[t >= max(WARM_UP_BARS, n_mean - 1)]
    distance = path.high[t] - trailing(path.close, t, n_bars=n_mean, reduce=mean)
    spread = trailing(path.close, t, n_bars=n_mean, reduce=standard_deviation)
    with np.errstate(divide="ignore"):
        deviations = distance / spread
    far = deviations >= min_deviation
    t = t[far]
    return Swings(t=t, deviation=deviations[far], volatility=volatility_at(path.close, t))


def volatility_at(log_close: Floats, t: Indices) -> Floats:
    """The standard deviation (ddof 1) of the last 100 log returns at each bar of ``t``; NaN where history is short."""
    returns = np.diff(log_close, prepend=np.nan)
    return trailing(returns, t, n_bars=VOLATILITY_BARS, reduce=standard_deviation)


def _bars_above_those_before(high: Floats, window_bars: int) -> Indices:
    if len(high) <= window_bars:
        return np.empty(0, np.int64)
    before = np.lib.stride_tricks.sliding_window_view(high[:-1], window_bars).max(axis=1)
    return np.flatnonzero(high[window_bars:] > before).astype(np.int64) + window_bars
