"""Bars for features: a slice of real ones, made-up ones, and ways to spoil them."""

from collections.abc import Callable

import numpy as np
import pytest

from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.data.reader import read_bars
from fleetcast.features.inputs import Inputs

BAR_MS = 900_000
START_MS = 1_704_067_200_000  # 2024-01-01, a Monday
N_REAL = 1500
BarMaker = Callable[..., SymbolBars]


def _make_bars(symbol: str = "btc", *, n_bars: int = 600, seed: int = 0) -> SymbolBars:
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(scale=0.003, size=n_bars)))
    opened = np.concatenate([[100.0], close[:-1]]) * np.exp(random.normal(scale=0.0003, size=n_bars))
    return SymbolBars(
        symbol=symbol,
        timestamp=START_MS + BAR_MS * np.arange(n_bars, dtype=np.int64),
        open=opened,
        high=np.maximum(opened, close) * (1 + random.exponential(0.001, n_bars)),
        low=np.minimum(opened, close) * (1 - random.exponential(0.001, n_bars)),
        close=close,
        volume=random.lognormal(3, 1, n_bars),
    )


@pytest.fixture
def make_bars() -> BarMaker:
    """Makes a random walk of 15-minute bars."""
    return _make_bars


@pytest.fixture(scope="session")
def walk() -> Inputs:
    """Inputs over 600 random bars."""
    return Inputs(_make_bars(), bar_ms=BAR_MS)


@pytest.fixture(scope="session")
def real_bars() -> BarSet:
    """The first 1,500 bars of each symbol of the bundled sample."""
    bars, _ = read_bars("sample", symbols=None)
    return bars.between(int(bars.timeline[0]), int(bars.timeline[N_REAL - 1]))


@pytest.fixture(scope="session")
def gapped_bars(real_bars: BarSet) -> BarSet:
    """The real bars without 40 bars of eth in the middle."""
    eth = real_bars.bars["eth"]
    left, right = eth.part(0, 700), eth.part(740, eth.n_bars)
    joined = {
        name: np.concatenate([getattr(left, name), getattr(right, name)])
        for name in ("timestamp", "open", "high", "low", "close", "volume")
    }
    return BarSet(bars={**real_bars.bars, "eth": SymbolBars(symbol="eth", **joined)}, bar_ms=real_bars.bar_ms)
