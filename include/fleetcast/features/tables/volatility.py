"""Volatility columns: estimators of the variance of log prices, their ratios, and how volatility itself behaves."""

import math

import numpy as np
import talib

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    above,
    change,
    highest,
    lag,
    log,
    log_ratio,
    lowest,
    mean,
    ratio,
    root_mean_square,
    slope,
    std,
    total,
    variance,
)

ESTIMATORS = ("squared_return", "parkinson", "garman_klass", "rogers_satchell")
ESTIMATOR_SOURCE = (
    "close to close; Parkinson 1980; Garman and Klass 1980; Rogers and Satchell 1991: log of the mean variance of a bar"
)


def _log_variance(bars: Inputs, x: Values, period: int) -> Values:
    return log(mean(x, period)) / 2


def _horizon_ratio(bars: Inputs, x: Values, period: tuple[int, int]) -> Values:
    return _log_variance(bars, x, period[0]) - _log_variance(bars, x, period[1])


def _yang_zhang(bars: Inputs, period: int) -> Values:
    """Variance of gaps, of open to close, and Rogers-Satchell, weighted for least variance of the estimate."""
    gap = bars["log_open"] - lag(bars["log_close"], 1)
    body = bars["log_close"] - bars["log_open"]
    weight = 0.34 / (1.34 + (period + 1) / (period - 1))
    within = weight * variance(body, period) + (1 - weight) * mean(bars["rogers_satchell"], period)
    return variance(gap, period) + within


def _smoothed(bars: Inputs, period: int) -> Values:
    return np.asarray(talib.EMA(bars["squared_return"], period))


def _semi_balance(bars: Inputs, x: None, period: int) -> Values:
    up, down = mean(bars["up_square"], period), mean(bars["down_square"], period)
    return ratio(up - down, up + down)


def _jumps(bars: Inputs, x: None, period: int) -> Values:
    """Share of realised variance that bipower variation does not explain; negative by chance."""
    realised = mean(bars["squared_return"], period)
    return ratio(realised - mean(bars["bipower"], period), realised)


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
        name="level",
        formula=_log_variance,
        source=ESTIMATOR_SOURCE,
        inputs=ESTIMATORS,
        periods=(1, 5, 20, 50, 200),
    ),
    Recipe(
        name="change",
        formula=_log_variance,
        source=ESTIMATOR_SOURCE,
        inputs=("squared_return", "garman_klass"),
        periods=(5, 20),
        transforms=("change5", "change20", "rank200"),
    ),
    Recipe(
        name="horizon_ratio",
        formula=_horizon_ratio,
        source="own choice: short against long volatility, by each estimator",
        inputs=ESTIMATORS,
        periods=((3, 10), (5, 20), (5, 50), (10, 100), (20, 200), (50, 400)),
    ),
    Recipe(
        name="estimator_ratio",
        formula=lambda b, x, p: _log_variance(b, x, p) - _log_variance(b, b["squared_return"], p),
        source="own choice: range-based over close-to-close volatility, large when bars turn back",
        inputs=("parkinson", "rogers_satchell"),
        periods=(5, 20, 50, 200),
    ),
    Recipe(
        name="yang_zhang",
        formula=lambda b, x, p: log(_yang_zhang(b, p)) / 2,
        source="Yang and Zhang 2000, Drift-Independent Volatility Estimation",
        periods=(10, 50, 200),
    ),
    Recipe(
        name="ewma",
        formula=lambda b, x, p: log(_smoothed(b, p)) / 2,
        source="RiskMetrics 1996, exponentially weighted variance; the period is the span",
        periods=(5, 20, 65),
        transforms=("level", "change5"),
    ),
    Recipe(
        name="ewma_ratio",
        formula=lambda b, x, p: log_ratio(_smoothed(b, p[0]), _smoothed(b, p[1])) / 2,
        source="RiskMetrics 1996: fast against slow",
        periods=((5, 20), (10, 50), (50, 200)),
        transforms=("level", "change5"),
    ),
    Recipe(
        name="shock",
        formula=lambda b, x, p: ratio(b["log_return"], np.sqrt(lag(_smoothed(b, p), 1))),
        source="Engle 1982: the return over the volatility expected one bar before",
        periods=(10, 130),
        transforms=("level", "mean5"),
    ),
    Recipe(
        name="semi_balance",
        formula=_semi_balance,
        source="Barndorff-Nielsen, Kinnebrock and Shephard 2010, realised semi-variance: (up - down) / both",
        periods=(5, 10, 20, 50, 200),
        transforms=("level", "change5"),
    ),
    Recipe(
        name="jumps",
        formula=_jumps,
        source="Barndorff-Nielsen and Shephard 2004, bipower variation",
        periods=(10, 20, 50, 100, 200),
    ),
    Recipe(
        name="natr",
        formula=lambda b, x, p: log(talib.NATR(b["high"], b["low"], b["close"], p)),
        source="Wilder 1978, average true range over the close",
        periods=(7, 28, 100),
        transforms=("level", "zscore200"),
    ),
    Recipe(
        name="atr_ratio",
        formula=lambda b, x, p: log_ratio(*(talib.ATR(b["high"], b["low"], b["close"], n) for n in p)),
        source="Wilder 1978: fast against slow",
        periods=((3, 14), (14, 50), (50, 200)),
    ),
    Recipe(
        name="chaikin",
        formula=lambda b, x, p: talib.CVI(b["high"], b["low"], *p),
        source="Chaikin volatility",
        periods=((5, 5), (10, 10), (20, 20), (50, 20)),
    ),
    Recipe(
        name="mass_index",
        formula=lambda b, x, p: talib.MASSI(b["high"], b["low"], *p),
        source="Dorsey 1992, The Mass Index",
        periods=((9, 25), (20, 50)),
    ),
    Recipe(
        name="relative_volatility",
        formula=lambda b, x, p: talib.RVI(b["close"], *p),
        source="Dorsey 1993, Relative Volatility Index",
        periods=((7, 5), (14, 10), (28, 20)),
    ),
    Recipe(
        name="squeeze",
        formula=_squeeze,
        source="Carter 2005, Mastering the Trade, squeeze",
        periods=(10, 20, 50, 100),
        transforms=("level", "change5", "rank200"),
    ),
    Recipe(
        name="volatility_of_volatility",
        formula=_volatility_of_volatility,
        source="own choice: coefficient of variation of a bar's range and variance",
        inputs=("log_range", "parkinson"),
        periods=(10, 20, 50, 100, 200),
    ),
    Recipe(
        name="trend",
        formula=lambda b, x, p: ratio(slope(x, p), mean(x, p)),
        source="own choice: growth of the range a bar",
        inputs=("log_range",),
        periods=(5, 10, 20, 50, 100),
    ),
    Recipe(
        name="ulcer",
        formula=_ulcer,
        source="Martin and McCann 1989, ulcer index, and its mirror",
        outputs=("fall", "rise"),
        periods=(14, 50, 100, 200),
    ),
    Recipe(
        name="choppiness", formula=_choppiness, source="Dreiss, Choppiness Index", periods=(7, 14, 28, 56, 100, 200)
    ),
    Recipe(
        name="fractal_dimension",
        formula=_fractal_dimension,
        source="Ehlers 2005, Fractal Adaptive Moving Average",
        periods=(16, 32, 64, 128),
    ),
    Recipe(
        name="extremes",
        formula=_extremes,
        source="own choice: share of large returns",
        outputs=("up", "down"),
        periods=(20, 50, 100, 200),
    ),
    Recipe(
        name="ease",
        formula=_ease,
        source="own choice: bodies as a share of ranges",
        periods=(3, 10, 20, 100),
        transforms=("level", "change5"),
    ),
    Recipe(
        name="term_slope",
        formula=lambda b, x, p: change(_horizon_ratio(b, b["parkinson"], p), 5),
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
