"""Volatility columns of asymmetry and dependence: up against down, jumps, and what volatility goes together with."""

import math

import numpy as np

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    beta,
    correlation,
    lag,
    log,
    log_ratio,
    lowest,
    mean,
    ratio,
    total,
)

NEIGHBOURS = "Andersen, Dobrev and Schaumburg 2012, Jump-Robust Volatility Estimation Using Nearest Neighbor Truncation"
LARGE = 3.0  # deviations beyond which a return counts as a jump


def _excursions(bars: Inputs, x: None, period: int) -> Values:
    up = mean(bars["log_high"] - bars["log_open"], period)
    return log_ratio(up, mean(bars["log_open"] - bars["log_low"], period))


def _rising_range(bars: Inputs, x: None, period: int) -> Values:
    """Mean range of rising bars against that of falling ones."""
    rising, falling = (
        ratio(total(bars[kind] * bars["log_range"], period), total(bars[kind], period))
        for kind in ("up_close", "down_close")
    )
    return log_ratio(rising, falling)


def _persistence(bars: Inputs, x: Values, period: tuple[int, int]) -> Values:
    """Correlation of five bars' log volatility with that of some bars before."""
    n_bars, n_lag = period
    level = log(mean(x, 5))
    return correlation(level, lag(level, n_lag), n_bars)


def _elasticity(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    size = log(np.where(bars["log_range"] > 0, bars["log_range"], np.nan))
    return beta(size, bars["log_volume"], period), correlation(size, bars["log_volume"], period)


def _large_returns(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Share of squared returns in jumps, which stand out from the bars before, and rising minus falling ones."""
    limit = LARGE**2 * lag(mean(bars["bipower"], 50), 1)
    large = np.where(np.isnan(limit), np.nan, bars["squared_return"] * (bars["squared_return"] > limit))
    whole = total(bars["squared_return"], period)
    return ratio(total(large, period), whole), ratio(total(large * np.sign(bars["log_return"]), period), whole)


def _neighbours(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Log of jump-robust over realised variance: smaller of two neighbours, and median of three."""
    one, two, three = (lag(bars["abs_return"], k) for k in range(3))
    smaller = np.minimum(one, two) ** 2 * math.pi / (math.pi - 2)
    median = np.maximum(np.minimum(one, two), np.minimum(np.maximum(one, two), three)) ** 2
    median *= math.pi / (6 - 4 * math.sqrt(3) + math.pi)
    realised = mean(bars["squared_return"], period)
    return log_ratio(mean(smaller, period), realised), log_ratio(mean(median, period), realised)


def _high_low_spread(bars: Inputs, x: None, period: int) -> Values:
    """Estimate of the bid-ask spread from ranges of one and of two bars, over the mean range; negative by chance."""
    k = 3 - 2 * math.sqrt(2)
    one = bars["log_range"] ** 2
    both = np.maximum(bars["log_high"], lag(bars["log_high"], 1)) + -lowest(bars["log_low"], 2)
    beta_, gamma = one + lag(one, 1), both**2
    alpha = (np.sqrt(2 * beta_) - np.sqrt(beta_)) / k - np.sqrt(gamma / k)
    return ratio(mean(2 * np.tanh(alpha / 2), period), mean(bars["log_range"], period))


def _close_spread(bars: Inputs, x: None, period: int) -> Values:
    """Squared spread from closes and mid-ranges, over the mean squared range."""
    middle = (bars["log_high"] + bars["log_low"]) / 2
    closed = lag(bars["log_close"], 1)
    product = (closed - lag(middle, 1)) * (closed - middle)
    return ratio(4 * mean(product, period), mean(bars["log_range"] ** 2, period))


RECIPES = (
    Recipe(
        name="excursions",
        formula=_excursions,
        source="own choice: how far bars rise above their open against how far they fall below it",
        width="full",
        periods=(3, 5, 10, 20, 50, 100, 200, 400),
        transforms=("level", "change10"),
    ),
    Recipe(
        name="rising_range",
        formula=_rising_range,
        source="own choice: range of rising bars against falling ones, after Barndorff-Nielsen et al. 2010",
        width="full",
        periods=(10, 20, 50, 100, 200, 400),
        transforms=("level", "change20"),
    ),
    Recipe(
        name="persistence",
        formula=_persistence,
        source="Mandelbrot 1963, volatility clustering: autocorrelation of five bars' log volatility",
        width="full",
        inputs=("garman_klass", "squared_return"),
        periods=((50, 5), (100, 5), (100, 24), (200, 10), (200, 24), (400, 20), (400, 96)),
    ),
    Recipe(
        name="elasticity",
        formula=_elasticity,
        source="Clark 1973, mixture of distributions: log range on log volume",
        width="full",
        outputs=("beta", "correlation"),
        periods=(20, 50, 100, 200, 400),
        transforms=("level", "change20"),
    ),
    Recipe(
        name="large_returns",
        formula=_large_returns,
        source="Mancini 2009, truncated realised variance; signed as Patton and Sheppard 2015",
        width="full",
        outputs=("share", "balance"),
        periods=(10, 20, 50, 100, 200, 400),
    ),
    Recipe(
        name="neighbours",
        formula=_neighbours,
        source=NEIGHBOURS,
        width="full",
        outputs=("smaller", "median"),
        periods=(10, 20, 50, 100, 200),
        transforms=("level", "change10"),
    ),
    Recipe(
        name="high_low_spread",
        formula=_high_low_spread,
        source="Corwin and Schultz 2012, A Simple Way to Estimate Bid-Ask Spreads from Daily High and Low Prices",
        width="full",
        periods=(3, 5, 10, 20, 50, 100, 200, 400),
        transforms=("level", "change20"),
    ),
    Recipe(
        name="close_spread",
        formula=_close_spread,
        source="Abdi and Ranaldo 2017, A Simple Estimation of Bid-Ask Spreads from Daily Close, High, and Low Prices",
        width="full",
        periods=(3, 5, 10, 20, 50, 100, 200, 400),
        transforms=("level", "change20"),
    ),
)
