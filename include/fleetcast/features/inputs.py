"""One symbol's input series by name, each computed once and shared by every formula."""

from collections.abc import Callable, Hashable
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import talib

from fleetcast.data.bars import SymbolBars, read_only
from fleetcast.features.columns import Values
from fleetcast.features.rolling import above, lag, log, mean, ratio, std

T = TypeVar("T")


class NamedSeries(Protocol):
    """Series by name, over one symbol's bars."""

    def __getitem__(self, name: str) -> Values: ...


class Inputs:
    """The series of `INPUTS` over one symbol's own bars, float64 ``(n_bars,)``.

    Threads may share one: at worst two of them compute the same series, and get the same bits. A formula that writes to
    one raises, because every other column would then be made of what it wrote.

    Args:
        bars: the symbol's own.
        bar_ms: length of a bar, in milliseconds.
        series: those computed already, shared with another one's; none when None.
    """

    def __init__(self, bars: SymbolBars, *, bar_ms: int, series: dict[str, Values] | None = None) -> None:
        self.bars = bars.read_only()
        self.bar_ms = bar_ms
        self._series = {} if series is None else series
        self._shared: dict[Hashable, Any] = {}

    def __getitem__(self, name: str) -> Values:
        if name not in self._series:
            self._series[name] = read_only(INPUTS[name](self))
        return self._series[name]

    def scoped(self) -> "Inputs":
        """The same series, with a memory of its own for `once`: it is let go with the scope."""
        return Inputs(self.bars, bar_ms=self.bar_ms, series=self._series)

    @property
    def timestamp(self) -> npt.NDArray[np.int64]:
        """UTC bar open, milliseconds since the epoch."""
        return self.bars.timestamp

    def in_atr(self, distance: Values) -> Values:
        """A distance between prices, in average true ranges."""
        return ratio(distance, self["atr"])

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The value under ``key``, computed by whoever asks first in this scope."""
        if key not in self._shared:
            self._shared[key] = compute()
        value: T = self._shared[key]
        return value


class AlignedInputs:
    """Another symbol's series at one symbol's bars, by exact timestamp; NaN where the other has no bar.

    Nothing is filled forward. Each series is computed over the other symbol's own bars first, so that a return spans
    the other's own last two bars.
    """

    def __init__(self, other: Inputs, *, timestamp: npt.NDArray[np.int64]) -> None:
        self._other = other
        position = np.searchsorted(other.timestamp, timestamp)
        self._position = np.minimum(position, len(other.timestamp) - 1)
        self._present = other.timestamp[self._position] == timestamp
        self._computed: dict[str, Values] = {}

    def __getitem__(self, name: str) -> Values:
        if name not in self._computed:
            self._computed[name] = read_only(np.where(self._present, self._other[name][self._position], np.nan))
        return self._computed[name]


def _log_volume(bars: Inputs) -> Values:
    """A bar without trades counts as the last one that had any, so that its logarithm is known.

    Own choice: the smallest volume of many bars says more of how quiet it is, and is another one where history begins
    between that bar and an outage. This one is the same wherever history begins before the outage.
    """
    volume = bars["volume"]
    last = np.maximum.accumulate(np.where(volume > 0, np.arange(len(volume)), -1))
    return log(np.where(last >= 0, volume[last], np.nan))


def _of_range(part: Callable[[Inputs], Values], *, flat: float = 0.0) -> Callable[[Inputs], Values]:
    """A share of the bar's range; ``flat`` on a bar that did not move."""

    def compute(bars: Inputs) -> Values:
        moved = bars["range"] > 0
        return np.where(moved, part(bars) / np.where(moved, bars["range"], 1.0), flat)

    return compute


def _rogers_satchell(bars: Inputs) -> Values:
    high, low = bars["log_high"], bars["log_low"]
    opened, closed = bars["log_open"], bars["log_close"]
    return (high - closed) * (high - opened) + (low - closed) * (low - opened)


def _wick(bars: Inputs, side: str) -> Values:
    if side == "upper":
        return bars["high"] - np.maximum(bars["open"], bars["close"])
    return np.minimum(bars["open"], bars["close"]) - bars["low"]


INPUTS: dict[str, Callable[[Inputs], Values]] = {
    # prices, in the quote currency
    "open": lambda b: b.bars.open,
    "high": lambda b: b.bars.high,
    "low": lambda b: b.bars.low,
    "close": lambda b: b.bars.close,
    "typical": lambda b: (b["high"] + b["low"] + b["close"]) / 3,
    "range": lambda b: b["high"] - b["low"],
    "true_range": lambda b: talib.TRANGE(b["high"], b["low"], b["close"]),
    "atr": lambda b: talib.ATR(b["high"], b["low"], b["close"], 14),
    # logarithms and returns
    "log_open": lambda b: log(b["open"]),
    "log_high": lambda b: log(b["high"]),
    "log_low": lambda b: log(b["low"]),
    "log_close": lambda b: log(b["close"]),
    "log_return": lambda b: b["log_close"] - lag(b["log_close"], 1),
    "abs_return": lambda b: np.abs(b["log_return"]),
    "log_range": lambda b: b["log_high"] - b["log_low"],
    "return_std": lambda b: std(b["log_return"], 50),
    # volume, in the base currency; an unknown volume counts as none
    "volume": lambda b: np.nan_to_num(b.bars.volume),
    "log_volume": _log_volume,
    "signed_volume": lambda b: np.sign(np.nan_to_num(b["log_return"])) * b["volume"],
    "obv": lambda b: np.cumsum(b["signed_volume"]),
    # the bar's shape
    "body": _of_range(lambda b: b["close"] - b["open"]),
    "upper_wick": _of_range(lambda b: _wick(b, "upper")),
    "lower_wick": _of_range(lambda b: _wick(b, "lower")),
    "close_position": _of_range(lambda b: b["close"] - b["low"], flat=0.5),
    "body_atr": lambda b: ratio(b["close"] - b["open"], b["atr"]),
    "upper_wick_atr": lambda b: ratio(_wick(b, "upper"), b["atr"]),
    "lower_wick_atr": lambda b: ratio(_wick(b, "lower"), b["atr"]),
    "range_atr": lambda b: ratio(b["range"], b["atr"]),
    "gap_atr": lambda b: ratio(b["open"] - lag(b["close"], 1), b["atr"]),
    # one bar's estimate of the variance of log prices
    "squared_return": lambda b: b["log_return"] ** 2,
    "up_square": lambda b: np.maximum(b["log_return"], 0.0) ** 2,
    "down_square": lambda b: np.minimum(b["log_return"], 0.0) ** 2,
    "bipower": lambda b: np.pi / 2 * b["abs_return"] * lag(b["abs_return"], 1),
    "parkinson": lambda b: b["log_range"] ** 2 / (4 * np.log(2)),
    "garman_klass": lambda b: b["log_range"] ** 2 / 2 - (2 * np.log(2) - 1) * (b["log_close"] - b["log_open"]) ** 2,
    "rogers_satchell": _rogers_satchell,
    # kinds of bar: 1 or 0, NaN while unknown
    "up_close": lambda b: above(b["log_return"], 0.0),
    "down_close": lambda b: above(-b["log_return"], 0.0),
    "higher_high": lambda b: above(b["high"], lag(b["high"], 1)),
    "higher_low": lambda b: above(b["low"], lag(b["low"], 1)),
    "lower_high": lambda b: above(lag(b["high"], 1), b["high"]),
    "lower_low": lambda b: above(lag(b["low"], 1), b["low"]),
    "inside": lambda b: (1 - b["higher_high"]) * (1 - b["lower_low"]),
    "outside": lambda b: b["higher_high"] * b["lower_low"],
    "wide": lambda b: above(b["range_atr"], 1.5),
    "narrow": lambda b: above(0.5, b["range_atr"]),
    "doji": lambda b: above(0.1, np.abs(b["body"])),
    "long_upper_wick": lambda b: above(b["upper_wick"], 0.5),
    "long_lower_wick": lambda b: above(b["lower_wick"], 0.5),
    "full_body": lambda b: above(np.abs(b["body"]), 0.75),
    "strong_close": lambda b: above(b["close_position"], 0.8),
    "weak_close": lambda b: above(0.2, b["close_position"]),
    "thrust_up": lambda b: above(b["body_atr"], 0.75),
    "thrust_down": lambda b: above(-b["body_atr"], 0.75),
    "close_above_high": lambda b: above(b["close"], lag(b["high"], 1)),
    "close_below_low": lambda b: above(lag(b["low"], 1), b["close"]),
    "busy": lambda b: above(b["volume"], 1.5 * mean(b["volume"], 50)),
    "quiet": lambda b: above(0.5 * mean(b["volume"], 50), b["volume"]),
    # an indicator that other formulas build on
    "rsi": lambda b: talib.RSI(b["close"], 14),
}
