"""Another future: the same bars up to a row, and after it none, others, or the same in another order."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.data.files import NUMBERS

Series = dict[str, npt.NDArray[np.float64]]

LATER_ROWS = 500  # so many of them are kept; a symbol that starts then has bars enough to compute with
SHOCK_BARS = 500  # so many before it a shock goes beyond
SHOCK_SIZE, SHOCK_GAP = 0.05, 0.02  # in log price: beyond the highest and lowest, and from the last close to the open
SHOCK_DELAY_DAYS = 40
SHOCK_VOLUMES = (0.0, 0.01, 100.0)  # medians
DAY_MS = 86_400_000
STEP = 0.01  # standard deviation of a made-up log return: a move that sets patterns off
NOT_TRADED, CLOSES_AT_OPEN, OPENS_APART = 0.05, 0.15, 0.5  # shares of made-up bars
SHADOWS = (0.0, 1.0, 4.0)


def cut_after(bars: BarSet, row: int) -> BarSet:
    """No bar after the timeline row; a symbol may be left without any."""
    return bars.between(int(bars.timeline[0]), int(bars.timeline[row]))


def change_after(bars: BarSet, row: int, *, seed: int = 0) -> BarSet:
    """Made-up prices and volumes at the bars after the row, from the last close known then."""
    return _replace_later(bars, row, lambda own, start: _walk(own, start, np.random.default_rng([seed, start])))


def shuffle_after(bars: BarSet, row: int, *, seed: int = 0) -> BarSet:
    """The bars after the row in another order, at the same instants."""
    return _replace_later(bars, row, lambda own, start: _shuffle(own, start, np.random.default_rng([seed, start])))


def shock_after(bars: BarSet, row: int) -> BarSet:
    """One bar after the row, 40 days late, that goes beyond all highs and lows; it rises or falls by the row's number.

    It breaks what any number of bars have nearly confirmed, and is of many rare kinds at once: six deviations and more,
    far from the mean, after a hole, in another month, without volume or with much.
    """
    instant = int(bars.timeline[row])
    late = instant + SHOCK_DELAY_DAYS * DAY_MS + bars.bar_ms  # so that no day, week or session begins with it
    shocked = {}
    for symbol, own in bars.bars.items():
        stop = int(np.searchsorted(own.timestamp, instant, side="right"))
        shock = _shock(own, stop, rises=row % 2 == 0, volume=SHOCK_VOLUMES[row // 2 % len(SHOCK_VOLUMES)])
        values = {name: np.append(getattr(own, name)[:stop], shock[name]) for name in NUMBERS}
        shocked[symbol] = SymbolBars(symbol=symbol, timestamp=np.append(own.timestamp[:stop], late), **values)
    return replace(bars, bars=shocked)


def _shock(own: SymbolBars, stop: int, *, rises: bool, volume: float) -> dict[str, float]:
    near = slice(max(0, stop - SHOCK_BARS), max(stop, 1))
    high = float(own.high[near].max()) * np.exp(SHOCK_SIZE)
    low = float(own.low[near].min()) * np.exp(-SHOCK_SIZE)
    opened = float(own.close[near][-1]) * np.exp(-SHOCK_GAP if rises else SHOCK_GAP)
    close = 0.99 * high + 0.01 * low if rises else 0.01 * high + 0.99 * low
    traded = volume * float(np.nanmedian(own.volume))
    return {"open": opened, "high": high, "low": low, "close": close, "volume": traded}


def _replace_later(bars: BarSet, row: int, later: Callable[[SymbolBars, int], Series]) -> BarSet:
    near = bars.between(int(bars.timeline[0]), int(bars.timeline[min(row + LATER_ROWS, len(bars.timeline) - 1)]))
    replaced = {}
    for symbol, own in near.bars.items():
        start = int(np.searchsorted(own.timestamp, bars.timeline[row], side="right"))
        values = {name: np.concatenate([getattr(own, name)[:start], new]) for name, new in later(own, start).items()}
        replaced[symbol] = SymbolBars(symbol=symbol, timestamp=own.timestamp, **values)
    return replace(near, bars=replaced)


def _shuffle(own: SymbolBars, start: int, random: np.random.Generator) -> Series:
    order = start + random.permutation(own.n_bars - start)
    return {name: getattr(own, name)[order] for name in NUMBERS}


def _walk(own: SymbolBars, start: int, random: np.random.Generator) -> Series:
    """Bars of every kind: some open where the last one closed and some far from it, some end where they began, some
    have long shadows, and in some nothing is traded."""
    n_bars = own.n_bars - start
    before = own.close[start - 1] if start else 1.3 * own.open[0]
    traded = random.random(n_bars) > NOT_TRADED
    moved = traded & (random.random(n_bars) > CLOSES_AT_OPEN)
    gap = random.normal(scale=STEP, size=n_bars) * (traded & (random.random(n_bars) < OPENS_APART))
    body = random.normal(scale=STEP, size=n_bars) * moved
    shadows = random.exponential(STEP / 2, (2, n_bars)) * random.choice(SHADOWS, (2, n_bars)) * traded
    log_close = np.log(before) + np.cumsum(gap + body)
    opened, close = np.exp(log_close - body), np.exp(log_close)
    return {
        "open": opened,
        "high": np.maximum(opened, close) * np.exp(shadows[0]),
        "low": np.minimum(opened, close) * np.exp(-shadows[1]),
        "close": close,
        "volume": float(np.nanmedian(own.volume)) * random.lognormal(0.5, 1.0, n_bars) * traded,
    }
