"""Market structure columns of confirmed swings: their counts, legs, volume, and the lines through them."""

import numpy as np
import numpy.typing as npt

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.confirmed_swings import highs_and_lows
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import log_ratio, mean, ratio

SWING_WINDOWS = (2, 3, 5, 10, 20, 50)
COUNT_PERIODS = (
    *((2, 40), (2, 200), (3, 60), (3, 300), (5, 100), (5, 500)),
    *((10, 200), (10, 1000), (20, 400), (20, 1000), (50, 1000)),
)
STEP_BARS = 800  # two swings further apart than this are not compared: the count must not see beyond 2,000 bars
LEG_OUTPUTS = ("duration", "progress", "speed", "volume", "range", "efficiency", "leg_efficiency")
Bars = npt.NDArray[np.int64]


def _at(values: Values, bar: Bars) -> Values:
    return np.where(bar >= 0, values[np.maximum(bar, 0)], np.nan)


def _counts(bars: Inputs, x: None, period: tuple[int, int]) -> tuple[Values, ...]:
    """Higher and lower highs, and higher and lower lows, a window's length of bars."""
    window_bars, n_bars = period
    counts = []
    for swings in highs_and_lows(bars, window_bars):
        near = swings.confirmed & (swings.previous_age - swings.age <= STEP_BARS)
        counts += [
            window_bars * mean((near & step).astype(np.float64), n_bars)
            for step in (swings.level > swings.previous_level, swings.level < swings.previous_level)
        ]
    return tuple(counts)


def _sum_between(bars: Inputs, name: str, first: Bars, last: Bars) -> Values:
    """Sum of a series over the bars after ``first`` up to ``last``; NaN where there is no ``first``."""
    sums = bars.once(("running_sum", name), lambda: np.cumsum(np.nan_to_num(bars[name])))
    return np.where(first >= 0, sums[last] - sums[np.maximum(first, 0)], np.nan)


def _legs(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """The move since the last swing of either side, against the leg that ended there."""
    highs, lows = highs_and_lows(bars, period)
    rows = np.arange(bars.bars.n_bars)
    high_is_later = highs.bar > lows.bar
    known = (highs.bar >= 0) & (lows.bar >= 0) & (highs.bar != lows.bar)
    pivot = np.where(known, np.maximum(highs.bar, lows.bar), -1)
    start = np.where(known, np.minimum(highs.bar, lows.bar), -1)
    before = np.where(high_is_later, highs.nth_last_bar(1), lows.nth_last_bar(1))
    length, age = (pivot - start).astype(np.float64), (rows - pivot).astype(np.float64)
    earlier = np.where(before >= 0, np.abs(start - before) + 1.0, np.nan)
    level = np.where(high_is_later, highs.level, lows.level)

    def per_bar(name: str) -> Values:
        """Mean since the pivot against the mean of the leg before it."""
        since = ratio(_sum_between(bars, name, pivot, rows), np.where(known, age, np.nan))
        return log_ratio(since, ratio(_sum_between(bars, name, start, pivot), np.where(known, length, np.nan)))

    moved = bars["log_close"] - _at(bars["log_close"], pivot)
    leg = _at(bars["log_close"], pivot) - _at(bars["log_close"], start)
    return (
        log_ratio(np.where(known, length, np.nan), earlier),
        log_ratio(np.where(known, age, np.nan), length),
        ratio(bars["close"] - level, bars["atr"] * np.sqrt(np.where(known, age, np.nan))),
        per_bar("volume"),
        per_bar("log_range"),
        ratio(moved, _sum_between(bars, "abs_return", pivot, rows)),
        ratio(leg, _sum_between(bars, "abs_return", start, pivot)),
    )


def _character(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """Volume, RSI and wick of the last swing's bar, and the steps of volume and RSI from the swing before."""
    volume = bars.once("volume_of_50", lambda: log_ratio(bars["volume"], mean(bars["volume"], 50)))
    found = []
    for swings, wick in zip(highs_and_lows(bars, period), ("upper_wick_atr", "lower_wick_atr"), strict=True):
        last, previous = swings.bar, swings.nth_last_bar(1)
        found += [
            _at(volume, last),
            _at(volume, last) - _at(volume, previous),
            _at(bars["rsi"], last),
            _at(bars["rsi"], last) - _at(bars["rsi"], previous),
            _at(bars[wick], last),
        ]
    return tuple(found)


CHARACTER_OUTPUTS = tuple(
    f"{side}_{part}" for side in ("high", "low") for part in ("volume", "volume_step", "rsi", "rsi_step", "wick")
)


def _channel(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """The lines through the last two highs and lows: slopes, how they close in, and where the close lies between."""
    slopes, lines = [], []
    for swings in highs_and_lows(bars, period):
        rise = ratio(swings.level - swings.previous_level, swings.previous_age - swings.age)
        slopes.append(ratio(rise * period, bars["atr"]))
        lines.append(swings.level + rise * swings.age)
    width = lines[0] - lines[1]
    position = np.clip(ratio(bars["close"] - lines[1], width), -5.0, 5.0)
    return slopes[0], slopes[1], slopes[0] - slopes[1], position, ratio(width, bars["atr"])


def _alignment(bars: Inputs, x: None, windows: tuple[int, ...]) -> tuple[Values, Values]:
    """Mean over windows of the trend of swings, -2 to 2, and of the side of the last swing, -1 to 1."""
    trends, sides = [], []
    for window_bars in windows:
        highs, lows = highs_and_lows(bars, window_bars)
        trends.append(np.sign(highs.streak) + np.sign(lows.streak))
        unknown = (highs.bar < 0) | (lows.bar < 0)
        sides.append(np.where(unknown, np.nan, np.sign(lows.bar - highs.bar)))
    return np.mean(trends, axis=0), np.mean(sides, axis=0)


def _swing_size(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Mean height of the last four legs in units of ATR, and how much the last two exceed those before."""
    highs, lows = highs_and_lows(bars, period)
    sizes = [
        np.abs(_at(bars["high"], highs.nth_last_bar(n)) - _at(bars["low"], lows.nth_last_bar(n))) for n in range(4)
    ]
    unit = bars["atr"]
    return ratio(np.mean(sizes, axis=0), unit), ratio(sizes[0] + sizes[1] - sizes[2] - sizes[3], unit)


RECIPES = (
    Recipe(
        name="swing_count",
        formula=_counts,
        source="Dow theory (Rhea 1932): confirmed swings that went higher and lower than the one before",
        width="full",
        outputs=("higher_highs", "lower_highs", "higher_lows", "lower_lows"),
        periods=COUNT_PERIODS,
    ),
    Recipe(
        name="leg",
        formula=_legs,
        source="Elliott 1938, The Wave Principle: time, speed, volume and directness of legs between swings",
        width="full",
        outputs=LEG_OUTPUTS,
        periods=SWING_WINDOWS,
    ),
    Recipe(
        name="swing_character",
        formula=_character,
        source="Edwards and Magee 1948, volume at tops and bottoms; Wilder 1978, divergence of RSI(14) between swings",
        width="full",
        outputs=CHARACTER_OUTPUTS,
        periods=SWING_WINDOWS,
    ),
    Recipe(
        name="channel",
        formula=_channel,
        source="Edwards and Magee 1948, channels and wedges; in units of ATR(14)",
        width="full",
        outputs=("high_slope", "low_slope", "convergence", "position", "width"),
        periods=SWING_WINDOWS,
    ),
    Recipe(
        name="alignment",
        formula=_alignment,
        source="Elder 1985, triple screen: whether swings of several windows agree",
        width="full",
        outputs=("trend", "side"),
        periods=((2, 3, 5), (10, 20, 50), SWING_WINDOWS),
    ),
    Recipe(
        name="swing_size",
        formula=_swing_size,
        source="own choice: height of the last four legs, in units of ATR(14)",
        width="full",
        outputs=("mean", "growth"),
        periods=SWING_WINDOWS,
    ),
)
