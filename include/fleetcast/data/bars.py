"""Bars in memory: one symbol's arrays, and the set of symbols that share one timeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Array = TypeVar("Array", bound=npt.NDArray[np.generic])
WARM_UP_BARS = 200  # earlier bars of its own symbol that an event needs


def read_only(values: Array) -> Array:
    """A view of an array that refuses to be written to."""
    view = values.view()
    view.setflags(write=False)
    return view


@dataclass(frozen=True)
class SymbolBars:
    """One symbol's bars; all arrays ``(n_bars,)``, prices in the quote currency.

    ``symbol`` is lower case without its quote currency, such as ``btc``. ``timestamp`` is the UTC bar open in
    milliseconds since the epoch, strictly increasing.
    """

    symbol: str
    timestamp: npt.NDArray[np.int64]
    open: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    close: npt.NDArray[np.float64]
    volume: npt.NDArray[np.float64]

    @property
    def n_bars(self) -> int:
        """How many bars there are."""
        return len(self.timestamp)

    def read_only(self) -> "SymbolBars":
        """The same bars as views that refuse to be written to."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "symbol"}
        return replace(self, **{name: read_only(values) for name, values in arrays.items()})

    def part(self, start: int, stop: int) -> "SymbolBars":
        """The bars ``start`` to before ``stop``, counted in the symbol's own bars; the arrays are views."""
        kept = slice(start, stop)
        return SymbolBars(
            symbol=self.symbol,
            timestamp=self.timestamp[kept],
            open=self.open[kept],
            high=self.high[kept],
            low=self.low[kept],
            close=self.close[kept],
            volume=self.volume[kept],
        )


@dataclass(frozen=True)
class BarSet:
    """Bars of several symbols, all ``bar_ms`` milliseconds long; ``bars`` is sorted by symbol.

    A *row* is an index into `timeline`: it means the same instant for every symbol.
    """

    bars: Mapping[str, SymbolBars]
    bar_ms: int

    @cached_property
    def timeline(self) -> npt.NDArray[np.int64]:
        """The sorted union of all symbols' timestamps, ``(n_rows,)``."""
        return np.unique(np.concatenate([bars.timestamp for bars in self.bars.values()]))

    def rows(self, symbol: str) -> npt.NDArray[np.int64]:
        """The timeline row of each bar of the symbol, ``(n_bars,)``."""
        return np.searchsorted(self.timeline, self.bars[symbol].timestamp).astype(np.int64)

    def cut(self, until: datetime) -> "BarSet":
        """Only the bars that are known at ``until``: those whose close lies at or before it."""
        return self.between(np.iinfo(np.int64).min, milliseconds(until) - self.bar_ms)

    def between(self, first_open: int, last_open: int) -> "BarSet":
        """Only the bars that open at or after ``first_open`` and at or before ``last_open``, in milliseconds."""
        kept = {}
        for symbol, bars in self.bars.items():
            start = int(np.searchsorted(bars.timestamp, first_open, side="left"))
            stop = int(np.searchsorted(bars.timestamp, last_open, side="right"))
            kept[symbol] = bars.part(start, stop)
        return BarSet(bars=kept, bar_ms=self.bar_ms)


def mean_bars(window_bars: int) -> int:
    """Over how many bars a swing's deviation is measured: ``max(20, 4 * window_bars)``."""
    return max(20, 4 * window_bars)


def bars_needed(window_bars: Sequence[int], horizon_bars: Sequence[int]) -> int:
    """The fewest bars of one symbol that can hold one labelled event of the widest window and the longest horizon."""
    widest = mean_bars(max(window_bars, default=1))
    return max(WARM_UP_BARS + 1, widest) + max(horizon_bars, default=0)


def milliseconds(instant: datetime) -> int:
    """Milliseconds since the epoch."""
    return round(instant.timestamp() * 1000)
