"""Technical columns of regression lines: how steep the price runs, how straight, and how far from its line."""

import math

import numpy as np
import talib

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import lag, ratio, slope, std


def _trend_slope(bars: Inputs, x: None, period: int) -> Values:
    return ratio(slope(bars["log_close"], period), bars["return_std"]) * math.sqrt(period)


def _trend_fit(bars: Inputs, x: None, period: int) -> Values:
    """Correlation of the log price with time: 1 a straight rise, -1 a straight fall."""
    time = np.arange(bars.bars.n_bars, dtype=np.float64)
    spread = std(bars["log_close"], period)
    return np.clip(ratio(slope(bars["log_close"], period) * std(time, period), spread), -1.0, 1.0)


def _wedge(bars: Inputs, x: None, period: int) -> Values:
    """Slope of the highs minus that of the lows: a range that widens (+) or narrows (-), in units of volatility."""
    opened = slope(bars["log_high"], period) - slope(bars["log_low"], period)
    return ratio(opened, bars["return_std"]) * math.sqrt(period)


def _bend(bars: Inputs, x: None, period: int) -> Values:
    """Slope of the later half minus slope of the earlier half, in units of volatility."""
    late = slope(bars["log_close"], period // 2)
    return ratio(late - lag(late, period // 2), bars["return_std"]) * math.sqrt(period)


def _residual(bars: Inputs, x: None, period: int) -> Values:
    """How far the price stands from its regression line, in standard deviations of the price over the line."""
    line = np.asarray(talib.LINEARREG(bars["log_close"], period))
    variance = std(bars["log_close"], period) ** 2 * (period - 1)
    explained = slope(bars["log_close"], period) ** 2 * (period * (period**2 - 1) / 12)
    left = np.sqrt(np.maximum(variance - explained, 1e-6 * variance) / (period - 2))
    return ratio(bars["log_close"] - line, left)


RECIPES = (
    Recipe(
        name="trend_slope",
        formula=_trend_slope,
        source="own choice: least-squares slope of the log price in units of its volatility",
        periods=(5, 10, 20, 50, 100, 200, 400),
        transforms=("level", "change5"),
        full_transforms=("crossings100", "accel10"),
    ),
    Recipe(
        name="trend_fit",
        formula=_trend_fit,
        source="own choice: signed root of the regression's R squared",
        periods=(10, 20, 50, 100, 200),
        full_periods=(400,),
        full_transforms=("change10",),
    ),
    Recipe(
        name="wedge",
        formula=_wedge,
        source="Edwards and Magee 1948, wedges and broadening formations",
        periods=(10, 20, 50, 100, 200),
        width="full",
    ),
    Recipe(
        name="bend",
        formula=_bend,
        source="own choice: a trend that steepens or flattens",
        periods=(10, 20, 40, 80, 160, 320),
        width="full",
    ),
    Recipe(
        name="residual",
        formula=_residual,
        source="Raff 1991, regression channel",
        periods=(20, 50, 100, 200, 400),
        width="full",
    ),
)
