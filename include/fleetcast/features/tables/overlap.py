"""Technical columns of overlap studies: where the price stands against an average or a band, in units of ATR(14)."""

from collections.abc import Callable

import numpy as np
import talib

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import bars_since, change, lag, mean, ratio, zscore

AVERAGES: dict[str, Callable[[Inputs, int], Values]] = {
    "sma": lambda b, p: talib.SMA(b["close"], p),
    "ema": lambda b, p: talib.EMA(b["close"], p),
    "dema": lambda b, p: talib.DEMA(b["close"], p),
    "tema": lambda b, p: talib.TEMA(b["close"], p),
    "kama": lambda b, p: talib.KAMA(b["close"], p),
    "t3": lambda b, p: talib.T3(b["close"], p, 0.7),
    "hma": lambda b, p: talib.HMA(b["close"], p),
    "linear_forecast": lambda b, p: talib.TSF(b["close"], p),
}


def _distance(name: str) -> Callable[[Inputs, None, int], Values]:
    return lambda b, x, p: ratio(b["close"] - AVERAGES[name](b, p), b["atr"])


def _distance_recipe(
    name: str,
    source: str,
    periods: tuple[int, ...],
    transforms: tuple[str, ...],
    *,
    full_periods: tuple[int, ...],
    full_transforms: tuple[str, ...],
) -> Recipe:
    return Recipe(
        name=f"{name}_distance",
        formula=_distance(name),
        source=source,
        periods=periods,
        transforms=transforms,
        full_periods=full_periods,
        full_transforms=full_transforms,
    )


def _slope_recipe(name: str, periods: tuple[int, ...], *, full_periods: tuple[int, ...] = ()) -> Recipe:
    return Recipe(
        name=f"{name}_slope",
        formula=lambda b, x, p: ratio(change(AVERAGES[name](b, p), 3), b["atr"]),
        source="own choice: three bars' change of the average in units of ATR(14)",
        periods=periods,
        full_periods=full_periods,
        full_transforms=("change5",),
    )


def _cross(bars: Inputs, x: None, period: tuple[int, int]) -> tuple[Values, Values]:
    """How far the fast average stands above the slow one, and how many bars ago they crossed."""
    fast, slow = (talib.EMA(bars["close"], p) for p in period)
    above = fast > slow
    crossed = above != np.concatenate([above[:1], above[:-1]])
    return ratio(fast - slow, bars["atr"]), bars_since(crossed & ~np.isnan(lag(slow, 1)))


def _parabolic(bars: Inputs, x: None, period: tuple[int, int]) -> tuple[Values, Values]:
    """Distance to the stop-and-reverse, and the bars since it changed sides."""
    stop = talib.SAR(bars["high"], bars["low"], period[0] / 1000, period[1] / 1000)
    above = bars["close"] > stop
    flipped = above != np.concatenate([above[:1], above[:-1]])
    return ratio(bars["close"] - stop, bars["atr"]), bars_since(flipped & ~np.isnan(lag(stop, 1)))


def _supertrend(bars: Inputs, x: None, period: tuple[int, int]) -> tuple[Values, Values]:
    line, trend = talib.SUPERTREND(bars["high"], bars["low"], bars["close"], period[0], float(period[1]))
    return ratio(bars["close"] - line, bars["atr"]), np.where(np.isnan(line), np.nan, trend)


def _mama(bars: Inputs, x: None, period: None) -> tuple[Values, Values]:
    fast, following = talib.MAMA(bars["close"], 0.5, 0.05)
    return ratio(bars["close"] - following, bars["atr"]), ratio(fast - following, bars["atr"])


def _volume_weighted(bars: Inputs, x: None, period: int) -> Values:
    weighted = ratio(mean(bars["close"] * bars["volume"], period), mean(bars["volume"], period))
    return ratio(weighted - mean(bars["close"], period), bars["atr"])


RECIPES = (
    _distance_recipe(
        "sma",
        "simple moving average",
        (5, 20, 50, 100, 200, 400),
        ("level", "change5"),
        full_periods=(),
        full_transforms=("crossings100", "highage100", "lowage100"),
    ),
    _distance_recipe(
        "ema",
        "exponential moving average",
        (8, 34, 144),
        ("level",),
        full_periods=(),
        full_transforms=("run100",),
    ),
    _distance_recipe(
        "dema",
        "Mulloy 1994, double exponential average",
        (30, 90),
        ("level",),
        full_periods=(10,),
        full_transforms=("std50", "crossings100"),
    ),
    _distance_recipe(
        "tema",
        "Mulloy 1994, triple exponential average",
        (30, 90),
        ("level",),
        full_periods=(12,),
        full_transforms=("std50", "crossings100"),
    ),
    _distance_recipe(
        "kama",
        "Kaufman 1995, adaptive average",
        (10, 30, 90),
        ("level", "change5"),
        full_periods=(),
        full_transforms=("std50", "crossings100", "highage100", "lowage100"),
    ),
    _distance_recipe(
        "t3",
        "Tillson 1998, T3",
        (15, 45),
        ("level",),
        full_periods=(5,),
        full_transforms=("crossings100",),
    ),
    _distance_recipe(
        "hma",
        "Hull 2005, Hull average",
        (30, 90),
        ("level",),
        full_periods=(),
        full_transforms=("std50", "crossings100"),
    ),
    _distance_recipe(
        "linear_forecast",
        "least-squares line, one bar ahead",
        (30, 90),
        ("level",),
        full_periods=(12, 200),
        full_transforms=("std50", "crossings100"),
    ),
    _slope_recipe("sma", (20, 100), full_periods=(5, 300)),
    _slope_recipe("kama", (10, 30, 90)),
    _slope_recipe("hma", (10, 30, 90)),
    Recipe(
        name="ema_cross",
        formula=_cross,
        source="Appel 1979, crossing averages; in units of ATR(14)",
        outputs=("distance", "age"),
        periods=((5, 20), (10, 50), (20, 50), (20, 100), (50, 200)),
        full_periods=((3, 8), (8, 21), (34, 89), (100, 250)),
    ),
    Recipe(
        name="percent_b",
        formula=lambda b, x, p: zscore(b["close"], p),
        source="Bollinger 2001, Bollinger on Bollinger Bands, here as a z-score of the close",
        periods=(15, 50, 150),
        transforms=("level", "change3"),
        full_transforms=("crossings100", "highage100", "lowage100"),
    ),
    Recipe(
        name="parabolic",
        formula=_parabolic,
        source="Wilder 1978, parabolic SAR; step and limit in thousandths, distance in units of ATR(14)",
        outputs=("distance", "age"),
        periods=((10, 100), (20, 200), (40, 400)),
        full_periods=((5, 50), (80, 800)),
        full_transforms=("change5",),
    ),
    Recipe(
        name="supertrend",
        formula=_supertrend,
        source="Seban, Supertrend; in units of ATR(14)",
        outputs=("distance", "trend"),
        periods=((10, 2), (10, 3), (30, 4)),
        full_periods=((10, 1), (20, 2), (20, 5), (50, 3)),
    ),
    Recipe(
        name="hilbert_trendline",
        formula=lambda b, x, p: ratio(b["close"] - talib.HT_TRENDLINE(b["close"]), b["atr"]),
        source="Ehlers 2001, Rocket Science for Traders; in units of ATR(14)",
        full_transforms=("change5", "std50", "crossings100"),
    ),
    Recipe(
        name="mama",
        formula=_mama,
        source="Ehlers 2001, MESA adaptive averages; in units of ATR(14)",
        outputs=("following_distance", "cross"),
        full_transforms=("change5", "std50", "crossings100"),
    ),
    Recipe(
        name="volume_weighting",
        formula=_volume_weighted,
        source="own choice: volume-weighted minus plain average, in units of ATR(14)",
        periods=(10, 20, 50, 100, 200),
        full_periods=(5, 400),
        full_transforms=("change5", "std100"),
    ),
)
