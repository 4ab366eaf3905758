"""Market structure columns of levels: those of past swings, those that were broken, gaps, and what breaks led to."""

import numpy as np

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.confirmed_swings import ConfirmedSwings, confirmed_swings
from fleetcast.features.inputs import Inputs
from fleetcast.features.memory import MEMORY_BARS
from fleetcast.features.rolling import (
    Flags,
    above,
    bars_since,
    highest,
    lag,
    lowest,
    mean,
    ratio,
    total,
)

SWING_WINDOWS = (2, 3, 5, 10, 20, 50)
N_LEVELS = 6  # of each side
FARTHEST = 20.0  # ATR: where no level stands, and beyond
BREAK_BARS = 1_000  # a break further back is forgotten
GAP_BARS = 500
BREAK_PERIODS = ((5, 3, 200), (10, 5, 200), (10, 5, 500), (20, 10, 500), (20, 20, 1000), (50, 20, 1000))


def _swings(bars: Inputs, window_bars: int) -> tuple[ConfirmedSwings, ConfirmedSwings]:
    highs = confirmed_swings(bars, "high", window_bars=window_bars)
    return highs, confirmed_swings(bars, "low", window_bars=window_bars)


def _latest(flags: Flags, *, longest_bars: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Index of the bar at which the flag last stood; -1 where it did not within so many bars."""
    rows = np.arange(len(flags))
    at = np.maximum.accumulate(np.where(flags, rows, -1))
    return np.where(rows - at <= longest_bars, at, -1)


def _first_close_beyond(close: Values, level: Values) -> Flags:
    """Whether the close stands beyond the level, and the one before did not beyond its own."""
    beyond = close > level
    return np.asarray(beyond & ~np.concatenate([[False], beyond[:-1]]))


def _breakers(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """Distance to the swing levels that were broken last, how long ago, which side was later, and how often."""
    distances, ages, latest, flags = [], [], [], []
    rows = np.arange(bars.bars.n_bars)
    for swings, sign in zip(_swings(bars, period), (1.0, -1.0), strict=True):
        broken = _first_close_beyond(sign * bars["close"], sign * swings.level)
        at = _latest(broken, longest_bars=BREAK_BARS)
        known = (at >= 0) & (rows - swings.bar[at] <= MEMORY_BARS)
        level = np.where(known, swings.level[at], np.nan)
        distances.append(ratio(sign * (bars["close"] - level), bars["atr"]))
        ages.append(bars_since(broken))
        latest.append(np.where(known, at, -1))
        flags.append(broken.astype(np.float64))
    direction = np.where(np.maximum(*latest) >= 0, np.sign(latest[0] - latest[1]), np.nan)
    n_bars = 20 * period
    balance, often = mean(flags[0] - flags[1], n_bars), mean(flags[0] + flags[1], n_bars)
    return *distances, *ages, direction, balance, often


def _near_levels(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """The nearest levels of the last swings above and below the close, how many are near, and how many above."""
    shape = bars.bars.n_bars
    nearest = {1.0: np.full(shape, FARTHEST), -1.0: np.full(shape, FARTHEST)}
    near, n_above, n_known = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for swings, prices in zip(_swings(bars, period), (bars["high"], bars["low"]), strict=True):
        for n in range(N_LEVELS):
            at = swings.nth_last_bar(n)
            away = ratio(np.where(at >= 0, prices[at], np.nan) - bars["close"], bars["atr"])
            for sign, best in nearest.items():
                np.fmin(best, np.where(sign * away >= 0, sign * away, FARTHEST), out=best)
            near += np.abs(np.nan_to_num(away, nan=FARTHEST)) < 1
            n_above += np.nan_to_num(away) > 0
            n_known += ~np.isnan(away)
    unknown = n_known == 0
    parts = (nearest[1.0], nearest[-1.0], near, n_above / np.maximum(n_known, 1))
    return tuple(np.where(unknown, np.nan, part) for part in parts)


def _level_touches(bars: Inputs, x: None, period: tuple[int, int]) -> tuple[Values, Values]:
    """Bars that came within a quarter of an ATR of the last swing high, and of the last swing low."""
    window_bars, n_bars = period
    near = bars["atr"] / 4
    found = []
    for swings, prices in zip(_swings(bars, window_bars), (bars["high"], bars["low"]), strict=True):
        top, bottom = swings.level + near, swings.level - near
        count = np.zeros(len(near))
        for n in range(n_bars):
            then = lag(prices, n)
            count += (then > bottom) & (then < top)
        found.append(np.where(np.isnan(top), np.nan, count))
    return found[0], found[1]


def _traffic(bars: Inputs, x: None, period: int) -> Values:
    """Share of the last bars whose range holds the present close."""
    count = np.zeros(bars.bars.n_bars)
    for n in range(1, period + 1):
        count += (lag(bars["low"], n) <= bars["close"]) & (lag(bars["high"], n) >= bars["close"])
    return np.where(np.arange(len(count)) >= period, count / period, np.nan)


def _break_levels(bars: Inputs, n_bars: int) -> tuple[tuple[Values, float], tuple[Values, float]]:
    """Top and bottom of the bars before, with the side that a break goes to."""
    return (lag(highest(bars["high"], n_bars), 1), 1.0), (lag(lowest(bars["low"], n_bars), 1), -1.0)


def _after_breaks(bars: Inputs, x: None, period: tuple[int, int, int]) -> tuple[Values, ...]:
    """What followed closes beyond the range, in the mean of lately: the move after some bars, and whether it held."""
    n_bars, n_later, n_mean = period
    moves, held = [], []
    for level, sign in _break_levels(bars, n_bars):
        broken = lag(above(sign * bars["close"], sign * level), n_later)
        move = ratio(sign * (bars["close"] - lag(bars["close"], n_later)), lag(bars["atr"], n_later))
        count = total(broken, n_mean)
        moves.append(ratio(total(broken * move, n_mean), count))
        stays = above(sign * bars["close"], sign * lag(level, n_later))
        held.append(ratio(total(broken * stays, n_mean), count))
    return *moves, *held


def _price_gaps(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """The last three-bar gaps of at least so many tenths of an ATR: distance of the close, age and size."""
    found = []
    for inner, outer, sign in ((bars["low"], bars["high"], 1.0), (bars["high"], bars["low"], -1.0)):
        size = ratio(sign * (inner - lag(outer, 2)), bars["atr"])
        is_gap = np.nan_to_num(size) > period / 10
        at = _latest(is_gap, longest_bars=GAP_BARS)
        edge = np.where(at >= 0, inner[at], np.nan)
        distance = ratio(sign * (bars["close"] - edge), bars["atr"])
        found += [distance, bars_since(is_gap, longest_bars=GAP_BARS), np.where(at >= 0, size[at], np.nan)]
    return tuple(found)


RECIPES = (
    Recipe(
        name="breaker",
        formula=_breakers,
        source="Edwards and Magee 1948: a broken resistance is a support; distances in units of ATR(14)",
        width="full",
        outputs=("up_distance", "down_distance", "up_age", "down_age", "direction", "balance", "often"),
        periods=SWING_WINDOWS,
    ),
    Recipe(
        name="near_level",
        formula=_near_levels,
        source="Edwards and Magee 1948, support and resistance at past swings; in units of ATR(14), at most 20",
        width="full",
        outputs=("above", "below", "count", "share_above"),
        periods=SWING_WINDOWS,
    ),
    Recipe(
        name="level_touches",
        formula=_level_touches,
        source="Osler 2000, Support for Resistance: bars that came near the last swing's level",
        width="full",
        outputs=("high", "low"),
        periods=((3, 20), (5, 50), (10, 50), (10, 100), (20, 100), (50, 200)),
    ),
    Recipe(
        name="traffic",
        formula=_traffic,
        source="Steidlmayer 1986, Market Profile: time spent at this price",
        width="full",
        periods=(10, 20, 50, 100, 200),
    ),
    Recipe(
        name="after_breaks",
        formula=_after_breaks,
        source="Brock, Lakonishok and LeBaron 1992, trading range breaks: what they led to lately",
        width="full",
        outputs=("up_move", "down_move", "up_held", "down_held"),
        periods=BREAK_PERIODS,
    ),
    Recipe(
        name="price_gap",
        formula=_price_gaps,
        source="three-bar gaps (fair value gaps); in units of ATR(14)",
        width="full",
        outputs=("up_distance", "up_age", "up_size", "down_distance", "down_age", "down_size"),
        periods=(0, 5),
    ),
)
