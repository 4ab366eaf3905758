"""Market structure columns: swings, ranges, calendar levels and volume-weighted prices, in units of ATR(14)."""

import numpy as np
import talib

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.confirmed_swings import ConfirmedSwings, highs_and_lows
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    above,
    bars_since,
    highest,
    lag,
    log_ratio,
    lowest,
    mean,
    ratio,
    total,
)

SWING_WINDOWS = (2, 3, 5, 10, 20, 50)
DOW = "Dow theory (Rhea 1932): higher highs and higher lows of confirmed swings; distances in units of ATR(14)"


def _swing(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    highs, lows = highs_and_lows(bars, period)
    leg = highs.level - lows.level
    high_is_later = highs.bar > lows.bar
    retraced = np.where(high_is_later, highs.level - bars["close"], bars["close"] - lows.level)
    return (
        bars.in_atr(highs.level - bars["close"]),
        bars.in_atr(bars["close"] - lows.level),
        highs.age,
        lows.age,
        bars.in_atr(highs.level - highs.previous_level),
        bars.in_atr(lows.level - lows.previous_level),
        highs.streak,
        lows.streak,
        np.sign(highs.streak) + np.sign(lows.streak),
        bars.in_atr(leg),
        np.clip(ratio(retraced, leg), -5.0, 5.0),
        bars.in_atr(leg) / (1 + np.abs(highs.age - lows.age)),
        mean(highs.confirmed.astype(np.float64) - lows.confirmed, 20 * period),
    )


SWING_OUTPUTS = (
    *("high_distance", "low_distance", "high_age", "low_age", "high_step", "low_step", "high_streak", "low_streak"),
    *("trend", "leg", "retraced", "leg_speed", "balance"),
)


def _trend_line(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Distance from the close to the lines through the last two confirmed highs and lows."""

    def distance(swings: ConfirmedSwings) -> Values:
        rise = ratio(swings.level - swings.previous_level, swings.previous_age - swings.age)
        return bars.in_atr(bars["close"] - swings.level - rise * swings.age)

    highs, lows = highs_and_lows(bars, period)
    return distance(highs), distance(lows)


def _anchored(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Distance from the close to the volume-weighted price since the last confirmed high, and low."""
    traded = np.concatenate([[0.0], np.cumsum(bars["typical"] * bars["volume"])])
    volume = np.concatenate([[0.0], np.cumsum(bars["volume"])])

    def distance(swings: ConfirmedSwings) -> Values:
        anchor = np.maximum(swings.bar, 0)
        price = ratio(traded[1:] - traded[anchor], volume[1:] - volume[anchor])
        return np.where(swings.bar >= 0, bars.in_atr(bars["close"] - price), np.nan)

    highs, lows = highs_and_lows(bars, period)
    return distance(highs), distance(lows)


def _range(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    high, low = highest(bars["high"], period), lowest(bars["low"], period)
    since_low, since_high = (score / 100 for score in talib.AROON(bars["high"], bars["low"], period))
    return (
        bars.in_atr(high - bars["close"]),
        bars.in_atr(bars["close"] - low),
        ratio(bars["close"] - low, high - low),
        bars.in_atr(high - low) / np.sqrt(period),
        1 - since_high,
        1 - since_low,
    )


def _range_expansion(bars: Inputs, x: None, period: tuple[int, int]) -> Values:
    """Width of the short range against the long one."""
    widths = [highest(bars["high"], p) - lowest(bars["low"], p) for p in period]
    return log_ratio(widths[0], widths[1])


def _breaks(bars: Inputs, x: None, period: tuple[int, int]) -> tuple[Values, Values]:
    """Share of the last bars that made a new high, and a new low."""
    up = above(bars["high"], lag(highest(bars["high"], period[0]), 1))
    down = above(lag(lowest(bars["low"], period[0]), 1), bars["low"])
    return mean(up, period[1]), mean(down, period[1])


def _false_breaks(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Bars since the price went beyond the range and closed back inside."""
    top, bottom = lag(highest(bars["high"], period), 1), lag(lowest(bars["low"], period), 1)
    failed_up = (bars["high"] > top) & (bars["close"] < top)
    return bars_since(failed_up), bars_since((bars["low"] < bottom) & (bars["close"] > bottom))


def _touches(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Bars of the range that came within a quarter of an ATR of its top, and of its bottom."""
    top, bottom, near = highest(bars["high"], period), lowest(bars["low"], period), bars["atr"] / 4
    at_top, at_bottom = np.zeros(len(top)), np.zeros(len(top))
    for n_bars in range(period):
        at_top += lag(bars["high"], n_bars) > top - near
        at_bottom += lag(bars["low"], n_bars) < bottom + near
    unknown = np.isnan(top) | np.isnan(near)
    return np.where(unknown, np.nan, at_top), np.where(unknown, np.nan, at_bottom)


def _volume_below(bars: Inputs, x: None, period: int) -> Values:
    """Share of the volume of the last bars that was traded below this close."""
    below = np.zeros(bars.bars.n_bars)
    for n_bars in range(period):
        below += np.where(lag(bars["typical"], n_bars) < bars["close"], lag(bars["volume"], n_bars), 0.0)
    return ratio(below, total(bars["volume"], period))


def _imbalance(bars: Inputs, x: None, period: int) -> Values:
    """Rising minus falling gaps between a bar and the one two bars before, a bar."""
    rising, falling = above(bars["low"], lag(bars["high"], 2)), above(lag(bars["low"], 2), bars["high"])
    return mean(rising - falling, period)


def _weighted_price(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Distance to the volume-weighted price, in ATR and in its own weighted standard deviations."""
    volume = total(bars["volume"], period)
    offset = bars["typical"] - bars["close"][0]  # near zero, so that squares keep their digits
    price = ratio(total(offset * bars["volume"], period), volume)
    spread = ratio(total(offset**2 * bars["volume"], period), volume) - price**2
    away = bars["close"] - bars["close"][0] - price
    return bars.in_atr(away), ratio(away, np.sqrt(np.maximum(spread, 0.0)))


RECIPES = (
    Recipe(
        name="swing",
        formula=_swing,
        source=DOW,
        outputs=SWING_OUTPUTS,
        periods=SWING_WINDOWS,
    ),
    Recipe(
        name="trend_line",
        formula=_trend_line,
        source="Edwards and Magee 1948, Technical Analysis of Stock Trends; in units of ATR(14)",
        outputs=("high", "low"),
        periods=SWING_WINDOWS,
    ),
    Recipe(
        name="anchored_price",
        formula=_anchored,
        source="Shannon 2023, anchored VWAP; in units of ATR(14)",
        outputs=("high", "low"),
        periods=SWING_WINDOWS,
    ),
    Recipe(
        name="range",
        formula=_range,
        source="Donchian channel and Aroon (Chande 1995); distances in units of ATR(14)",
        outputs=("high_distance", "low_distance", "position", "width", "high_age", "low_age"),
        periods=(5, 10, 20, 50, 100, 200, 400),
        full_transforms=("change10",),
    ),
    Recipe(
        name="range_expansion",
        formula=_range_expansion,
        source="Crabel 1990, contraction and expansion",
        periods=((5, 20), (10, 50), (20, 100), (50, 200), (100, 400)),
        full_periods=((10, 20), (20, 200), (200, 1000)),
        full_transforms=("change10",),
    ),
    Recipe(
        name="breaks",
        formula=_breaks,
        source="own choice: how often the range was left lately",
        outputs=("up", "down"),
        periods=((5, 20), (10, 50), (20, 50), (20, 200), (50, 200)),
        full_periods=((5, 50), (10, 20), (10, 200), (20, 100), (50, 500)),
    ),
    Recipe(
        name="false_breaks",
        formula=_false_breaks,
        source="Raschke and Connors 1995, Street Smarts (turtle soup)",
        outputs=("up", "down"),
        periods=(5, 10, 20, 50),
        full_periods=(3, 100, 200),
    ),
    Recipe(
        name="touches",
        formula=_touches,
        source="Edwards and Magee 1948, support and resistance",
        outputs=("top", "bottom"),
        periods=(20, 50, 100),
    ),
    Recipe(
        name="volume_below",
        formula=_volume_below,
        source="Steidlmayer 1986, Market Profile, by volume",
        periods=(20, 50, 100, 200),
        transforms=("level", "change5"),
        full_transforms=("change20",),
    ),
    Recipe(
        name="imbalance",
        formula=_imbalance,
        source="three-bar gaps (fair value gaps): rising minus falling",
        periods=(5, 20, 50, 100),
        full_periods=(10, 200),
        full_transforms=("change10",),
    ),
    Recipe(
        name="weighted_price",
        formula=_weighted_price,
        source="Berkowitz, Logue and Noser 1988, VWAP; in units of ATR(14) and of its own deviation",
        outputs=("distance", "zscore"),
        periods=(20, 100, 400),
        full_periods=(50,),
    ),
)
