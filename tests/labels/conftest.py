"""Markets to find swings in."""

from collections.abc import Callable

import numpy as np
import pytest

from fleetcast.data.bars import SymbolBars
from fleetcast.data.reader import read_bars

MarketMaker = Callable[..., SymbolBars]
BAR_MS = 900_000


@pytest.fixture(scope="session")
def make_market() -> MarketMaker:
    """Makes a random walk of one symbol, its prices on a coarse grid so that many highs and lows are equal.

    ``missing`` bars are left out of the timeline.
    """

    def make(seed: int, *, n_bars: int = 700, tick: float = 0.1, missing: int = 0) -> SymbolBars:
        generator = np.random.default_rng(seed)
        moves = generator.standard_t(4, size=n_bars + 1) * 0.003
        path = np.round(np.round(100 * np.exp(np.cumsum(moves)) / tick) * tick, 6)
        opened, closed = path[:-1], path[1:]
        wicks = np.round(generator.exponential(0.2, size=(2, n_bars)) / tick) * tick
        kept = np.sort(generator.permutation(n_bars)[missing:])
        return SymbolBars(
            symbol="btc",
            timestamp=BAR_MS * kept.astype(np.int64),
            open=opened[kept],
            high=np.round(np.maximum(opened, closed) + wicks[0], 6)[kept],
            low=np.round(np.minimum(opened, closed) - wicks[1], 6)[kept],
            close=closed[kept],
            volume=generator.exponential(10, size=n_bars)[kept],
        )

    return make


@pytest.fixture(scope="session")
def real_market() -> SymbolBars:
    """1,200 real bars of SOL, from the bundled sample."""
    bars, _ = read_bars("sample", symbols=["sol"])
    return bars.bars["sol"].part(5_000, 6_200)
