"""Technical columns of overlap studies at full width: channels, ribbons of averages, and how the price treats them."""

import itertools
from collections.abc import Callable

import numpy as np
import talib

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    LONGEST_AGE_BARS,
    bars_since,
    change,
    highest,
    lag,
    log_ratio,
    lowest,
    mean,
    ratio,
    side,
    std,
    streak,
)
from fleetcast.features.tables.overlap import AVERAGES

RIBBONS = {1: (5, 8, 13, 21, 34, 55), 4: (20, 32, 52, 84, 136, 220)}
PAIRS: dict[str, tuple[str, str]] = {
    "ema_sma": ("ema", "sma"),
    "kama_sma": ("kama", "sma"),
    "linear_forecast_tema": ("linear_forecast", "tema"),
    "t3_sma": ("t3", "sma"),
}
OWN_TREATMENT = "own choice: how the price has treated the average, not only where it stands"


def _average(bars: Inputs, name: str, period: int) -> Values:
    return bars.once(("average", name, period), lambda: AVERAGES[name](bars, period))


def _pair(pair: str) -> Callable[[Inputs, None, int], Values]:
    first, second = PAIRS[pair]
    return lambda b, x, p: b.in_atr(_average(b, first, p) - _average(b, second, p))


def _pair_recipe(pair: str) -> Recipe:
    return Recipe(
        name=f"{pair}_gap",
        formula=_pair(pair),
        source="own choice: what one way of averaging sees and another does not, in units of ATR(14)",
        periods=(15, 50, 120),
        transforms=("level", "change5"),
        width="full",
    )


def _side_of_average(bars: Inputs, period: int) -> Values:
    average = _average(bars, "sma", period)
    return bars.once(("side", period), lambda: side(bars["close"], average, size=average))


def _treatment(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """How long above (+) or below (-) the average; the share of closes above; touches; the furthest distances."""
    average, sides = _average(bars, "sma", period), _side_of_average(bars, period)
    over = side(bars["high"], average, size=average)
    under = side(average, bars["low"], size=average)
    touched = np.where(np.isnan(average), np.nan, (over >= 0) & (under >= 0))
    return (
        streak(sides),
        mean(sides, period),
        mean(touched, 50),
        bars_since(touched > 0),
        highest(bars.in_atr(bars["high"] - average), period),
        lowest(bars.in_atr(bars["low"] - average), period),
    )


def _donchian(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """The channel's middle three bars ago, its width against twice the period's, and bars since it widened."""
    top, bottom = highest(bars["high"], period), lowest(bars["low"], period)
    longer = highest(bars["high"], 2 * period) - lowest(bars["low"], 2 * period)
    widened = (change(top, 1) > 0) | (change(bottom, 1) < 0)
    return (
        bars.in_atr(change((top + bottom) / 2, 3)),
        bars.in_atr(change((top + bottom) / 2, period)),
        log_ratio(top - bottom, longer),
        bars_since(widened),
        mean(widened.astype(np.float64), 2 * period),
    )


def _bands(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """Time outside two deviations, how long outside one (+ above, - below), and the width's rank and change."""
    middle, spread = mean(bars["close"], period), std(bars["close"], period)
    sides = side(bars["close"], middle + spread, size=middle) + side(bars["close"], middle - spread, size=middle)
    outside = np.abs(bars["close"] - middle) > 2 * spread * (1 + 1e-9)
    width = log_ratio(spread, bars["close"])
    return (
        mean(np.where(np.isnan(spread), np.nan, outside), 100),
        streak(sides),
        bars_since(outside),
        change(width, 5),
        width - mean(width, 200),
        _place(width, 200),
    )


def _place(x: Values, period: int) -> Values:
    """Where ``x`` stands between its lowest (0) and highest (1) value of the last ``period`` bars."""
    bottom = lowest(x, period)
    return ratio(x - bottom, highest(x, period) - bottom)


def _keltner(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """Share of closes beyond two ATR of the average, above and below, and how long ago the last was."""
    away = bars["close"] - _average(bars, "ema", period)
    width = 2 * np.asarray(talib.ATR(bars["high"], bars["low"], bars["close"], period))
    over, under = (np.where(np.isnan(away - width), np.nan, at > width) for at in (away, -away))
    return mean(over, 100), mean(under, 100), bars_since(over > 0), bars_since(under > 0)


def _middle(bars: Inputs, period: int) -> Values:
    return (highest(bars["high"], period) + lowest(bars["low"], period)) / 2


def _ichimoku(bars: Inputs, x: None, period: tuple[int, int, int]) -> tuple[Values, ...]:
    """Turning against base line, price against both sides of the cloud, the cloud's thickness now and ahead."""
    turning, base, slow = (_middle(bars, p) for p in period)
    ahead = ((turning + base) / 2, slow)
    first, second = (lag(line, period[1]) for line in ahead)
    crossed = side(turning, base, size=base)
    return (
        bars.in_atr(turning - base),
        bars.in_atr(bars["close"] - first),
        bars.in_atr(bars["close"] - second),
        bars.in_atr(first - second),
        bars.in_atr(ahead[0] - ahead[1]),
        streak(crossed),
        streak(side(bars["close"], np.maximum(first, second), size=base)),
    )


def _alligator(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """Lips over teeth, teeth over jaw, and how far open the mouth is; smoothed and shifted as Williams does."""
    middle = (bars["high"] + bars["low"]) / 2
    smooth = ((5, 3), (8, 5), (13, 8))
    lips, teeth, jaw = (lag(np.asarray(talib.RMA(middle, n * period)), shift * period) for n, shift in smooth)
    lines = np.array([lips, teeth, jaw])
    return bars.in_atr(lips - teeth), bars.in_atr(teeth - jaw), bars.in_atr(lines.max(axis=0) - lines.min(axis=0))


def _ribbon(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """Of averages of growing period: how well they stand in order, how wide, and the price's side of all of them."""
    lines = [_average(bars, "ema", n) for n in RIBBONS[period]]
    order = sum(side(fast, slow, size=slow) for fast, slow in itertools.pairwise(lines))
    sides = sum(side(bars["close"], line, size=line) for line in lines)
    width = np.std(lines, axis=0)
    return np.asarray(order), np.asarray(sides), bars.in_atr(width), log_ratio(width, lag(width, 10 * period))


def _median(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Distance to the median close, and how far the mean stands above the median."""
    middle = np.asarray(talib.PERCENTILE(bars["close"], period, 50.0))
    spread = std(bars["close"], period)
    return bars.in_atr(bars["close"] - middle), ratio(_average(bars, "sma", period) - middle, spread)


def _chandelier(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """How long the close has stood within three ATR of the highest high, and of the lowest low (- beyond)."""
    stop = highest(bars["high"], period) - 3 * bars["atr"]
    cover = lowest(bars["low"], period) + 3 * bars["atr"]
    return streak(side(bars["close"], stop, size=bars["close"])), streak(side(cover, bars["close"], size=cover))


def _fan(bars: Inputs, x: None, period: tuple[int, int]) -> tuple[Values, Values]:
    """Change of the fast average against that of the slow one, both over the fast period; and how they agree."""
    fast, slow = (change(_average(bars, "sma", n), period[0]) for n in period)
    agree = side(fast, np.zeros_like(fast), size=bars["close"]) * side(slow, np.zeros_like(slow), size=bars["close"])
    return bars.in_atr(fast - slow), mean(agree, 50)


def _supertrend_age(bars: Inputs, x: None, period: tuple[int, int]) -> Values:
    """Bars since the trend turned, with the trend's sign."""
    line, trend = talib.SUPERTREND(bars["high"], bars["low"], bars["close"], period[0], float(period[1]))
    return streak(np.where(np.isnan(line), np.nan, trend)) / LONGEST_AGE_BARS


RECIPES = (
    *(_pair_recipe(pair) for pair in PAIRS),
    Recipe(
        name="treatment",
        formula=_treatment,
        source=OWN_TREATMENT,
        outputs=("run", "share_above", "touches", "touch_age", "furthest_above", "furthest_below"),
        periods=(10, 25, 50, 100, 200, 400),
        width="full",
    ),
    Recipe(
        name="donchian",
        formula=_donchian,
        source="Donchian 1960, price channels; in units of ATR(14)",
        outputs=("slope", "shift", "contraction", "widened_age", "widened_share"),
        periods=(10, 25, 50, 100, 200),
        width="full",
    ),
    Recipe(
        name="bands",
        formula=_bands,
        source="Bollinger 2001, Bollinger on Bollinger Bands",
        outputs=("outside", "walk", "outside_age", "width_change", "width_excess", "width_position"),
        periods=(15, 50, 150),
        width="full",
    ),
    Recipe(
        name="keltner",
        formula=_keltner,
        source="Keltner 1960, channels, as Raschke draws them: two ATR about an exponential average",
        outputs=("above", "below", "above_age", "below_age"),
        periods=(10, 20, 60),
        width="full",
    ),
    Recipe(
        name="ichimoku",
        formula=_ichimoku,
        source="Hosoda 1969, Ichimoku Kinko Hyo; in units of ATR(14)",
        outputs=("turning", "first_span", "second_span", "cloud", "cloud_ahead", "turning_run", "above_run"),
        periods=((9, 26, 52), (20, 60, 120), (50, 150, 300)),
        transforms=("level", "change5"),
        width="full",
    ),
    Recipe(
        name="alligator",
        formula=_alligator,
        source="Williams 1995, Trading Chaos; in units of ATR(14), periods as multiples of 13, 8 and 5 bars",
        outputs=("lips", "teeth", "mouth"),
        periods=(1, 4),
        transforms=("level", "change5"),
        width="full",
    ),
    Recipe(
        name="ribbon",
        formula=_ribbon,
        source="Guppy 2004, Trend Trading, multiple moving averages; periods as multiples of the shortest",
        outputs=("order", "sides", "width", "opening"),
        periods=tuple(RIBBONS),
        transforms=("level", "change10"),
        width="full",
    ),
    Recipe(
        name="median",
        formula=_median,
        source="Tukey 1977, running medians",
        outputs=("distance", "mean_excess"),
        periods=(25, 101),
        width="full",
    ),
    Recipe(
        name="chandelier",
        formula=_chandelier,
        source="LeBeau, chandelier exit",
        outputs=("long", "short"),
        periods=(10, 22, 66),
        width="full",
    ),
    Recipe(
        name="fan",
        formula=_fan,
        source="own choice: averages that part or turn against each other, in units of ATR(14)",
        outputs=("parting", "agreement"),
        periods=((5, 20), (10, 50), (20, 100), (50, 200)),
        width="full",
    ),
    Recipe(
        name="supertrend_run",
        formula=_supertrend_age,
        source="Seban, Supertrend: how long it has pointed one way, as a share of 500 bars",
        periods=((10, 1), (10, 2), (10, 3), (20, 2), (30, 4), (50, 3)),
        width="full",
    ),
)
