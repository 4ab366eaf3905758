"""Volatility columns of behaviour: ranges, squeezes, falls, and how volatility itself moves."""

import math

import numpy as np
import talib

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    above,
    change,
    change_in_percent,
    highest,
    lag,
    log_ratio,
    lowest,
    mean,
    ratio,
    root_mean_square,
    slope,
    std,
    total,
)
from fleetcast.features.tables.volatility import horizon_ratio


def _squeeze(bars: Inputs, x: None, period: int) -> Values:
    """Width of Bollinger bands against that of Keltner channels."""
    keltner = talib.ATR(bars["high"], bars["low"], bars["close"], period)
    return log_ratio(std(bars["close"], period), keltner)


def _ulcer(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Root mean square of the fall from the highest close, and of the rise from the lowest, in units of volatility."""
    fall = bars["log_close"] - highest(bars["log_close"], period)
    rise = bars["log_close"] - lowest(bars["log_close"], period)
    unit = bars["return_std"] * math.sqrt(period)
    return ratio(root_mean_square(fall, period), unit), ratio(root_mean_square(rise, period), unit)


def _choppiness(bars: Inputs, x: None, period: int) -> Values:
    width = highest(bars["high"], period) - lowest(bars["low"], period)
    return log_ratio(total(bars["true_range"], period), width) / math.log(period)


def _fractal_dimension(bars: Inputs, x: None, period: int) -> Values:
    """Ehlers' estimate: how the widths of the two halves add up to the whole's."""
    half = period // 2
    halves = (highest(bars["high"], half) - lowest(bars["low"], half)) / half
    whole = (highest(bars["high"], period) - lowest(bars["low"], period)) / period
    return log_ratio(halves + lag(halves, half), whole) / math.log(2)


def _extremes(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Share of returns beyond two standard deviations of the 50 returns before."""
    limit = 2 * lag(bars["return_std"], 1)
    return mean(above(bars["log_return"], limit), period), mean(above(-limit, bars["log_return"]), period)


def _volatility_of_volatility(bars: Inputs, x: Values, period: int) -> Values:
    return ratio(std(x, period), mean(x, period))


def _ease(bars: Inputs, x: None, period: int) -> Values:
    """How much of the ranges the bodies fill."""
    return ratio(total(np.abs(bars["close"] - bars["open"]), period), total(bars["range"], period))


RECIPES = (
    Recipe(
        name="chaikin",
        formula=lambda b, x, p: change_in_percent(talib.CVI(b["high"], b["low"], *p)),
        source="Chaikin volatility; unknown where ranges were next to nothing",
        periods=((5, 5), (10, 10), (20, 20), (50, 20)),
        full_periods=((5, 20), (20, 5), (50, 50)),
    ),
    Recipe(
        name="mass_index",
        formula=lambda b, x, p: talib.MASSI(b["high"], b["low"], *p),
        source="Dorsey 1992, The Mass Index",
        periods=((9, 25), (20, 50)),
        full_periods=((5, 10), (50, 100)),
        full_transforms=("change10",),
    ),
    Recipe(
        name="relative_volatility",
        formula=lambda b, x, p: talib.RVI(b["close"], *p),
        source="Dorsey 1993, Relative Volatility Index",
        periods=((7, 5), (14, 10), (28, 20)),
        full_periods=((50, 30), (100, 50)),
        full_transforms=("change10",),
    ),
    Recipe(
        name="squeeze",
        formula=_squeeze,
        source="Carter 2005, Mastering the Trade, squeeze",
        periods=(10, 20, 50, 100),
        transforms=("level", "change5", "rank200"),
        full_transforms=("change20", "zscore200"),
    ),
    Recipe(
        name="volatility_of_volatility",
        formula=_volatility_of_volatility,
        source="own choice: coefficient of variation of a bar's range and variance",
        inputs=("log_range", "parkinson"),
        periods=(10, 20, 50, 100, 200),
        full_inputs=("garman_klass", "abs_return"),
        full_periods=(400,),
        full_transforms=("change20",),
    ),
    Recipe(
        name="trend",
        formula=lambda b, x, p: ratio(slope(x, p), mean(x, p)),
        source="own choice: growth of the range a bar",
        inputs=("log_range",),
        periods=(5, 10, 20, 50, 100),
        full_periods=(200,),
        full_transforms=("change10",),
    ),
    Recipe(
        name="ulcer",
        formula=_ulcer,
        source="Martin and McCann 1989, ulcer index, and its mirror",
        outputs=("fall", "rise"),
        periods=(14, 50, 100, 200),
        full_periods=(28, 400),
        full_transforms=("change10",),
    ),
    Recipe(
        name="choppiness",
        formula=_choppiness,
        source="Dreiss, Choppiness Index",
        periods=(7, 14, 28, 56, 100, 200),
        full_transforms=("change10", "zscore200"),
    ),
    Recipe(
        name="fractal_dimension",
        formula=_fractal_dimension,
        source="Ehlers 2005, Fractal Adaptive Moving Average",
        periods=(16, 32, 64, 128),
        full_periods=(256,),
        full_transforms=("change10",),
    ),
    Recipe(
        name="extremes",
        formula=_extremes,
        source="own choice: share of large returns",
        outputs=("up", "down"),
        periods=(20, 50, 100, 200),
        full_transforms=("change20",),
    ),
    Recipe(
        name="ease",
        formula=_ease,
        source="own choice: bodies as a share of ranges",
        periods=(3, 10, 20, 100),
        transforms=("level", "change5"),
        full_periods=(5, 50, 200),
        full_transforms=("change20", "zscore100"),
    ),
    Recipe(
        name="term_slope",
        formula=lambda b, x, p: change(horizon_ratio(b, b["parkinson"], p), 5),
        source="own choice: change of the ratio between horizons",
        periods=((3, 10), (5, 20), (10, 50), (20, 100)),
    ),
    Recipe(
        name="barrier",
        formula=lambda b, x, p: std(b["log_return"], p),
        source="the label's own barrier scale: a term of the label, never selected",
        periods=(100,),
        target_related=True,
    ),
)
