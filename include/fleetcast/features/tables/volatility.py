"""Volatility columns: estimators of the variance of log prices, and their ratios."""

import numpy as np
import talib

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    lag,
    log,
    log_ratio,
    mean,
    ratio,
    variance,
)

ESTIMATORS = ("squared_return", "parkinson", "garman_klass", "rogers_satchell")
ESTIMATOR_SOURCE = (
    "close to close; Parkinson 1980; Garman and Klass 1980; Rogers and Satchell 1991: log of the mean variance of a bar"
)
SEMIVARIANCE_SOURCE = "Barndorff-Nielsen, Kinnebrock and Shephard 2010, realised semi-variance"


def log_volatility(bars: Inputs, x: Values, period: int) -> Values:
    return log(mean(x, period)) / 2


def horizon_ratio(bars: Inputs, x: Values, period: tuple[int, int]) -> Values:
    return log_volatility(bars, x, period[0]) - log_volatility(bars, x, period[1])


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


RECIPES = (
    Recipe(
        name="level",
        formula=log_volatility,
        source=ESTIMATOR_SOURCE,
        inputs=ESTIMATORS,
        periods=(1, 5, 20, 50, 200),
    ),
    Recipe(
        name="level",
        formula=log_volatility,
        source=SEMIVARIANCE_SOURCE,
        width="full",
        inputs=("up_square", "down_square"),
        periods=(5, 20, 50, 200),
    ),
    Recipe(
        name="change",
        formula=log_volatility,
        source=ESTIMATOR_SOURCE,
        inputs=("squared_return", "garman_klass"),
        periods=(5, 20),
        transforms=("change5", "change20", "rank200"),
        full_inputs=("up_square", "down_square"),
        full_periods=(50, 200),
        full_transforms=("change50", "zscore50", "zscore400"),
    ),
    Recipe(
        name="horizon_ratio",
        formula=horizon_ratio,
        source="own choice: short against long volatility, by each estimator",
        inputs=ESTIMATORS,
        periods=((3, 10), (5, 20), (5, 50), (10, 100), (20, 200), (50, 400)),
        full_periods=((1, 5), (1, 20), (100, 400), (200, 1000)),
    ),
    Recipe(
        name="horizon_ratio",
        formula=horizon_ratio,
        source=SEMIVARIANCE_SOURCE,
        width="full",
        inputs=("up_square", "down_square"),
        periods=((5, 20), (10, 100), (20, 200), (50, 400)),
    ),
    Recipe(
        name="estimator_ratio",
        formula=lambda b, x, p: log_volatility(b, x, p) - log_volatility(b, b["squared_return"], p),
        source="own choice: range-based over close-to-close volatility, large when bars turn back",
        inputs=("parkinson", "rogers_satchell"),
        periods=(5, 20, 50, 200),
        full_inputs=("garman_klass", "bipower"),
        full_transforms=("change10",),
    ),
    Recipe(
        name="yang_zhang",
        formula=lambda b, x, p: log(_yang_zhang(b, p)) / 2,
        source="Yang and Zhang 2000, Drift-Independent Volatility Estimation",
        periods=(10, 50, 200),
        full_transforms=("change5", "rank200"),
    ),
    Recipe(
        name="ewma",
        formula=lambda b, x, p: log(_smoothed(b, p)) / 2,
        source="RiskMetrics 1996, exponentially weighted variance; the period is the span",
        periods=(5, 20, 65),
        transforms=("level", "change5"),
        full_periods=(130,),
        full_transforms=("zscore100",),
    ),
    Recipe(
        name="ewma_ratio",
        formula=lambda b, x, p: log_ratio(_smoothed(b, p[0]), _smoothed(b, p[1])) / 2,
        source="RiskMetrics 1996: fast against slow",
        periods=((5, 20), (10, 50), (50, 200)),
        transforms=("level", "change5"),
        full_periods=((3, 10), (65, 200)),
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
        source=SEMIVARIANCE_SOURCE + ": (up - down) / both",
        periods=(5, 10, 20, 50, 200),
        transforms=("level", "change5"),
        full_periods=(100, 400),
        full_transforms=("change20", "zscore100", "rank200"),
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
        full_transforms=("change20", "rank200"),
    ),
    Recipe(
        name="atr_ratio",
        formula=lambda b, x, p: log_ratio(*(talib.ATR(b["high"], b["low"], b["close"], n) for n in p)),
        source="Wilder 1978: fast against slow",
        periods=((3, 14), (14, 50), (50, 120)),  # Wilder's 200 bars remember more than 2,000
        full_periods=((1, 14), (28, 100)),
        full_transforms=("change5",),
    ),
)
