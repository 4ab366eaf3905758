"""Cross-symbol columns of the relative price: the log price against another symbol's, and against the others' index."""

from functools import partial
from typing import Any

import numpy as np

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs, NamedSeries
from fleetcast.features.market_index import PairFormula, against_market
from fleetcast.features.rolling import (
    bars_since,
    correlation,
    highest,
    kurtosis,
    lag,
    log_ratio,
    lowest,
    mean,
    ratio,
    skewness,
    std,
    total,
    variance,
)


def _price(own: Inputs, other: NamedSeries) -> Values:
    return own["log_close"] - other["log_close"]


def _return(own: Inputs, other: NamedSeries) -> Values:
    return own["log_return"] - other["log_return"]


def _place(own: Inputs, other: NamedSeries, period: int) -> Values:
    """Where the relative price lies between its lowest and highest."""
    price = _price(own, other)
    low, high = lowest(price, period), highest(price, period)
    return ratio(price - low, high - low)


def _gain_share(own: Inputs, other: NamedSeries, period: int) -> Values:
    """Share of the relative price's moves that were gains."""
    steps = _return(own, other)
    return ratio(total(np.maximum(steps, 0.0), period), total(np.abs(steps), period))


def _since_extreme(own: Inputs, other: NamedSeries, period: int) -> tuple[Values, Values]:
    """Bars since the relative price went above, and below, all of the last."""
    price = _price(own, other)
    up = bars_since(price > lag(highest(price, period), 1))
    return up, bars_since(price < lag(lowest(price, period), 1))


def _crossing(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> Values:
    """Short minus long mean of the relative price, in units of its volatility."""
    price = _price(own, other)
    unit = std(_return(own, other), 100) * np.sqrt(period[1])
    return ratio(mean(price, period[0]) - mean(price, period[1]), unit)


def _reversion(own: Inputs, other: NamedSeries, period: int) -> Values:
    """Correlation of the relative price's step with where it stood: negative where it turns back."""
    return correlation(_return(own, other), lag(_price(own, other), 1), period)


def _width(own: Inputs, other: NamedSeries, period: int) -> Values:
    """Width of the relative price's range in units of its volatility."""
    price = _price(own, other)
    unit = std(_return(own, other), 100) * np.sqrt(period)
    return ratio(highest(price, period) - lowest(price, period), unit)


def _tracking(own: Inputs, other: NamedSeries, period: int) -> Values:
    """Volatility of the relative price against the own one."""
    return log_ratio(std(_return(own, other), period), std(own["log_return"], period))


def _horizons(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> Values:
    """Short against long volatility of the relative price."""
    steps = _return(own, other)
    return log_ratio(std(steps, period[0]), std(steps, period[1]))


def _variance_ratio(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> Values:
    """Variance of sums of the relative price's steps against what independent steps would give."""
    n_bars, n_sum = period
    steps = _return(own, other)
    return log_ratio(variance(total(steps, n_sum), n_bars), n_sum * variance(steps, n_bars))


def _echo(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> Values:
    steps = _return(own, other)
    return correlation(steps, lag(steps, period[1]), period[0])


def _recipe(name: str, formula: PairFormula, source: str, **parts: Any) -> tuple[Recipe, Recipe]:
    """The row against each other symbol, and against the index of all of them."""
    declare = partial(Recipe, source=source, width="full", **parts)
    return (
        declare(name=f"relative_{name}", formula=formula, scope="pair"),
        declare(name=f"market_relative_{name}", formula=against_market(formula), scope="market"),
    )


ROWS = (
    _recipe(
        "place",
        _place,
        "Lane's stochastic of the relative price",
        periods=(50, 200, 400),
    ),
    _recipe(
        "gain_share",
        _gain_share,
        "Cutler's form of Wilder 1978, Relative Strength Index, of the relative price",
        periods=(7, 28, 100),
        transforms=("level", "change10"),
    ),
    _recipe(
        "since",
        _since_extreme,
        "own choice: bars since a new extreme of the relative price",
        outputs=("high", "low"),
        periods=(20, 50, 200),
    ),
    _recipe(
        "crossing",
        _crossing,
        "Appel 1979, moving averages' difference, of the relative price",
        periods=((3, 10), (10, 50), (50, 200), (100, 400)),
    ),
    _recipe(
        "reversion",
        _reversion,
        "Dickey and Fuller 1979, as a correlation, of the relative price",
        periods=(20, 50, 100, 200, 400),
    ),
    _recipe(
        "width",
        _width,
        "Feller 1951, range of sums, of the relative price",
        periods=(20, 50, 100, 400),
    ),
    _recipe(
        "tracking",
        _tracking,
        "Roll 1992, A Mean/Variance Analysis of Tracking Error",
        periods=(20, 100, 400),
    ),
    _recipe(
        "horizons",
        _horizons,
        "own choice: short against long volatility of the relative price",
        periods=((5, 20), (20, 100), (100, 400)),
    ),
    _recipe(
        "variance_ratio",
        _variance_ratio,
        "Lo and MacKinlay 1988, variance ratio, of the relative price",
        periods=((100, 4), (200, 8), (400, 16)),
    ),
    _recipe(
        "echo",
        _echo,
        "autocorrelation of the relative price's steps",
        periods=((50, 1), (200, 1), (200, 3), (400, 24)),
    ),
    _recipe(
        "skewness",
        lambda own, other, p: skewness(_return(own, other), p),
        "third moment of the relative price's steps",
        periods=(50, 100, 400),
    ),
    _recipe(
        "kurtosis",
        lambda own, other, p: kurtosis(_return(own, other), p),
        "fourth moment of the relative price's steps",
        periods=(100,),
    ),
)
RECIPES = tuple(recipe for rows in zip(*ROWS, strict=True) for recipe in rows)
