"""Bars of any length: the bundled sample, or the file that ``BARS`` names, said again and again."""

import os

import numpy as np

from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.data.reader import read_bars

PRICES = ("open", "high", "low", "close")


def make_long_bars(n_bars: int) -> BarSet:
    """``n_bars`` bars of each symbol; a repetition begins at the price with which the one before ended."""
    source, _ = read_bars(os.environ.get("BARS") or "sample", symbols=("btc", "eth", "sol"))
    common = int(min(own.timestamp[-1] for own in source.bars.values()))
    first = int(max(own.timestamp[0] for own in source.bars.values()))
    source = source.between(first, common)
    return BarSet(
        bars={symbol: _repeat(own, n_bars, bar_ms=source.bar_ms) for symbol, own in source.bars.items()},
        bar_ms=source.bar_ms,
    )


def _repeat(own: SymbolBars, n_bars: int, *, bar_ms: int) -> SymbolBars:
    places = np.arange(n_bars) % own.n_bars
    scale = (own.close[-1] / own.open[0]) ** (np.arange(n_bars) // own.n_bars)
    return SymbolBars(
        symbol=own.symbol,
        timestamp=own.timestamp[0] + bar_ms * np.arange(n_bars, dtype=np.int64),
        volume=own.volume[places],
        **{name: getattr(own, name)[places] * scale for name in PRICES},
    )
