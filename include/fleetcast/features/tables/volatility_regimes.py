"""Volatility columns of regimes: how present volatility stands to its own past, and how it scales with the horizon."""

import math

import numpy as np
import talib

from fleetcast.data.windows import standard_deviation, trailing
from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    LONGEST_AGE_BARS,
    bars_since,
    highest,
    lag,
    log,
    log_ratio,
    lowest,
    mean,
    ratio,
    run_length,
    std,
    total,
)

TIE_BREAK = 1e-12  # a bar: of equal values the latest one counts, wherever the history begins
SQUEEZE_LIMIT = math.log(1.5 / 2)  # bands of 2 deviations inside channels of 1.5 ATR


def _regime(bars: Inputs, x: Values, period: int) -> Values:
    return log(mean(x, period)) / 2


def _band_width(bars: Inputs, x: None, period: int) -> Values:
    """Log standard deviation of log closes, window by window: small ones are lost in the rounding of running sums."""
    rows = np.arange(bars.bars.n_bars)
    return log(trailing(bars["log_close"], rows, n_bars=period, reduce=standard_deviation))


def _extreme_age(bars: Inputs, x: Values, period: int) -> tuple[Values, Values]:
    """How long ago the largest and the smallest value of the last bars stood, as a share of them."""
    rows = np.arange(len(x))
    later = TIE_BREAK * rows
    unknown = np.isnan(highest(x, period))
    ages = []
    for values in (x + later, later - x):
        filled = np.where(np.isnan(values), -np.inf, values)
        at = talib.MAXINDEX(filled, period) if len(x) >= period else rows
        ages.append(np.where(unknown, np.nan, (rows - at) / period))
    return ages[0], ages[1]


def _in_squeeze(bars: Inputs, period: int) -> tuple[Values, Values]:
    """Whether the bands lie inside the channels, and the measure that says so."""
    keltner = talib.ATR(bars["high"], bars["low"], bars["close"], period)
    width = log_ratio(std(bars["close"], period), keltner)
    return np.less(np.where(np.isnan(width), 0.0, width), SQUEEZE_LIMIT).astype(np.float64), width


def _squeeze_age(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Bars that the squeeze has lasted, and bars since one ended."""
    inside, width = _in_squeeze(bars, period)
    lasted = np.minimum(run_length(inside > 0), LONGEST_AGE_BARS)
    return np.where(np.isnan(width), np.nan, lasted), bars_since((lag(inside, 1) > 0) & (inside == 0))


def _squeeze_momentum(bars: Inputs, x: None, period: int) -> Values:
    """End of the regression line through the distance of the close from the middle of range and mean."""
    middle = (highest(bars["high"], period) + lowest(bars["low"], period)) / 2
    away = bars["close"] - (middle + mean(bars["close"], period)) / 2
    return ratio(np.asarray(talib.LINEARREG(away, period)), bars["atr"])


def _range_scaling(bars: Inputs, x: None, period: tuple[int, int]) -> Values:
    """Exponent with which the squared range grows from one bar to many."""
    n_bars, n_mean = period
    wide = log_ratio(highest(bars["high"], n_bars), lowest(bars["low"], n_bars)) ** 2
    return log_ratio(mean(wide, n_mean), mean(bars["log_range"] ** 2, n_mean)) / math.log(n_bars)


def _since_cross(bars: Inputs, x: None, period: tuple[int, int]) -> tuple[Values, Values]:
    """Bars since short volatility rose above long volatility, and since it fell below."""
    gap = log_ratio(mean(bars["garman_klass"], period[0]), mean(bars["garman_klass"], period[1]))
    before = lag(gap, 1)
    return bars_since((gap > 0) & (before <= 0)), bars_since((gap < 0) & (before >= 0))


def _concentration(bars: Inputs, x: Values, period: int) -> tuple[Values, Values]:
    """Share of the variance that one bar holds, and the entropy of its distribution over the bars, 0 to 1."""
    whole = total(x, period)
    entropy = log(whole) - ratio(total(x * np.log(np.maximum(x, 1e-300)), period), whole)
    return ratio(highest(x, period), whole), entropy / math.log(period)


def _curvature(bars: Inputs, x: Values, period: tuple[int, int, int]) -> Values:
    """Short and long volatility against the middle one, twice."""
    short, middle, long = (log(mean(x, p)) / 2 for p in period)
    return short + long - 2 * middle


RECIPES = (
    Recipe(
        name="regime",
        formula=_regime,
        source="own choice: volatility against its own past of many weeks",
        width="full",
        inputs=("garman_klass",),
        periods=(1, 20, 100),
        transforms=("rank500", "zscore1000"),
    ),
    Recipe(
        name="extreme_age",
        formula=_extreme_age,
        source="own choice: age of the widest and the narrowest bar, after Aroon (Chande 1995)",
        width="full",
        inputs=("log_range", "abs_return"),
        outputs=("largest", "smallest"),
        periods=(5, 10, 20, 50, 100, 200, 400),
    ),
    Recipe(
        name="squeeze_age",
        formula=_squeeze_age,
        source="Carter 2005, Mastering the Trade, squeeze: how long it lasts, how long ago it ended",
        width="full",
        outputs=("lasting", "since_end"),
        periods=(10, 20),
    ),
    Recipe(
        name="squeeze_momentum",
        formula=_squeeze_momentum,
        source="Carter 2005, Mastering the Trade, squeeze histogram, in units of ATR(14)",
        width="full",
        periods=(10, 20, 50, 100),
        transforms=("level", "change5"),
    ),
    Recipe(
        name="band_width",
        formula=_band_width,
        source="Bollinger 2001, Bollinger on Bollinger Bands, band width",
        width="full",
        periods=(10, 20, 50, 100),
        transforms=("change20", "rank200"),
    ),
    Recipe(
        name="range_scaling",
        formula=_range_scaling,
        source="Parkinson 1980 over several bars against one: growth exponent, 1 for a random walk",
        width="full",
        periods=((2, 20), (2, 100), (4, 20), (4, 100), (8, 50), (8, 200), (16, 100), (16, 400), (32, 200), (32, 800)),
        transforms=("level", "change20"),
    ),
    Recipe(
        name="since_cross",
        formula=_since_cross,
        source="own choice: bars since short and long volatility (Garman and Klass 1980) crossed",
        width="full",
        outputs=("up", "down"),
        periods=((5, 20), (10, 50), (20, 100), (50, 200), (100, 400)),
    ),
    Recipe(
        name="since_wild",
        formula=lambda b, x, p: bars_since(b["true_range"] > p * lag(b["atr"], 1)),
        source="own choice: bars since a true range of so many ATR(14) of the bar before",
        width="full",
        periods=(2, 3, 4),
    ),
    Recipe(
        name="concentration",
        formula=_concentration,
        source="own choice: largest share (Herfindahl's idea) and Shannon 1948, entropy, of variance over bars",
        width="full",
        inputs=("parkinson",),
        outputs=("largest", "entropy"),
        periods=(10, 50, 200),
    ),
    Recipe(
        name="curvature",
        formula=_curvature,
        source="own choice: bend of volatility over three horizons",
        width="full",
        inputs=("garman_klass", "squared_return", "up_square", "down_square"),
        periods=((5, 20, 100), (10, 50, 200), (20, 100, 400)),
    ),
)
