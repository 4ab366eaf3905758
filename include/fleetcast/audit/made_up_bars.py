"""Made-up bars that hold the shapes which real ones seldom have, so that every pattern is seen on some slice."""

import numpy as np
import numpy.typing as npt

from fleetcast.data.bars import BarSet, SymbolBars

FIRST_MS, BAR_MS = 1_704_067_200_000, 900_000  # Monday, 2024-01-01
N_TIMES = 6
N_CALM = 14  # bars before a shape: as many as patterns compare its candles with
CALM = [(0, -0.5, 0.3, 0.3), (0, 0.5, 0.3, 0.3)]
FIRST_PRICE = 1000.0

# Bars as (gap, body[, upper shadow, lower shadow]), the gap from the close before to the open. They were found by a
# search over such numbers for bars that TA-Lib takes for the pattern, and made simple as long as it does.
SHAPES: dict[str, list[tuple[float, ...]]] = {
    "2crows": [(0, 2.5), (1.5, -0.4), (0.1, -1.5)],
    "3blackcrows": [(0, -2.5), (0.1, -1.5), (1.0, -2.5)],
    "3starsinsouth": [(0, -1.5, 0, 2.0), (0.5, -0.4, 0, 1.0), (0, -0.4)],
    "3whitesoldiers": [(0, 0.4), (0, 0.2), (0, 2.5)],
    "abandonedbaby": [(0, 2.5), (0.5, 0), (-1.0, -1.5)],
    "breakaway": [(0, 2.5), (1.0, 0), (1.0, 0), (0.1, 0), (-1.5, -0.4)],
    "concealbabyswall": [(0, -0.03), (0, -2.5), (-0.1, -0.03, 0.3, 0), (2.0, -2.5)],
    "counterattack": [(0, -2.5), (-1.5, 1.5)],
    "darkcloudcover": [(0, 2.5), (0.5, -2.5)],
    "eveningdojistar": [(0, 2.5), (0.5, 0), (0, -2.5)],
    "gapsidesidewhite": [(1.5, 0), (0, 0)],
    "homingpigeon": [(0, -2.5), (0.5, -0.4)],
    "identical3crows": [(0, -2.5), (0, -1.5), (0, -2.5)],
    "inneck": [(0, -2.5), (-1.5, 1.5)],
    "kicking": [(0, -1.5), (2.0, 1.5)],
    "kickingbylength": [(0, -1.5), (2.0, 1.5)],
    "ladderbottom": [(0, -2.5), (0, -0.03), (0, -1.5), (0, -0.4, 0.3, 0), (1.5, 0)],
    "mathold": [(0, 1.5), (0.5, -0.4), (0, -0.4), (0, 0), (2.0, 0)],
    "morningdojistar": [(0, -1.5), (-0.5, 0), (0, 1.5)],
    "onneck": [(0, -2.5), (-1.5, 1.5)],
    "piercing": [(0, -1.5), (-0.1, 1.5)],
    "risefall3methods": [(0, -2.5), (0, 0.2), (0.5, 0), (0, 0.03), (-0.5, -2.5)],
    "sticksandwich": [(0, -1.5), (1.5, 0), (-1.5, -0.03)],
    "tasukigap": [(1.0, 0.4), (-0.1, -0.4)],
    "thrusting": [(0, -1.5), (-2.0, 2.5)],
    "tristar": [(0, 0), (0.1, 0), (-2.0, 0)],
    "unique3river": [(0, -1.5), (1.5, -0.2, 0, 2.0), (0, 0)],
    "upsidegap2crows": [(0, 1.5), (1.0, -0.4), (2.0, -2.5)],
}


def make_bars(symbols: tuple[str, ...]) -> BarSet:
    """Quarter-hours in which every shape comes six times, in an order that differs by symbol."""
    return BarSet(bars={symbol: _make(symbol, seed=seed) for seed, symbol in enumerate(symbols)}, bar_ms=BAR_MS)


def _make(symbol: str, *, seed: int) -> SymbolBars:
    random = np.random.default_rng(seed)
    shapes = list(SHAPES.values())
    order = np.concatenate([random.permutation(len(shapes)) for _ in range(N_TIMES)])
    drawn = np.array([_whole(bar) for i in order for bar in (*CALM * (N_CALM // 2), *shapes[i])])
    return _draw(symbol, drawn, volume=random.lognormal(3.0, 1.0, len(drawn)))


def _whole(bar: tuple[float, ...]) -> tuple[float, ...]:
    return (*bar, 0.0, 0.0)[:4]


def _draw(symbol: str, drawn: npt.NDArray[np.float64], *, volume: npt.NDArray[np.float64]) -> SymbolBars:
    gap, body, upper, lower = drawn.T
    close = FIRST_PRICE + np.cumsum(gap + body)
    opened = close - body
    prices = {
        "open": opened,
        "high": np.maximum(opened, close) + upper,
        "low": np.minimum(opened, close) - lower,
        "close": close,
    }
    rounded = {name: np.round(price, 6) for name, price in prices.items()}  # so that equal prices are equal
    timestamp = FIRST_MS + BAR_MS * np.arange(len(drawn), dtype=np.int64)
    return SymbolBars(symbol=symbol, timestamp=timestamp, volume=volume, **rounded)
