"""Cross-symbol columns of dependence: what moves together, which side, at which lag, and what does not."""

from functools import partial
from typing import Any

import numpy as np

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs, NamedSeries
from fleetcast.features.market_index import PairFormula, against_market
from fleetcast.features.rolling import (
    above,
    bars_since,
    beta,
    both_known,
    correlation,
    highest,
    lag,
    log_ratio,
    lowest,
    mean,
    ratio,
    skewness,
    std,
    total,
)

LEAD_LAG = "Lo and MacKinlay 1990 (lead-lag)"
SAME = 1e-9  # log prices nearer than this are equal


def _one_sided_beta(own: Inputs, other: NamedSeries, period: int, *, sign: float) -> Values:
    """Least-squares slope over the bars where the other moved to one side."""
    y, x = both_known(own["log_return"], other["log_return"])
    chosen = np.where(np.isnan(x), np.nan, sign * x > 0)
    count, sum_x, sum_y = (total(chosen * v, period) for v in (np.ones(len(x)), x, y))
    products, squares = (total(chosen * x * v, period) for v in (y, x))
    spread = squares - ratio(sum_x**2, count)
    return ratio(products - ratio(sum_x * sum_y, count), np.where(spread > 1e-9 * squares, spread, 0.0))


def _sided_beta(own: Inputs, other: NamedSeries, period: int) -> tuple[Values, Values]:
    falling = _one_sided_beta(own, other, period, sign=-1.0)
    return falling, falling - _one_sided_beta(own, other, period, sign=1.0)


def _range_link(own: Inputs, other: NamedSeries, period: int) -> tuple[Values, Values]:
    pair = own["log_range"], other["log_range"]
    return correlation(*pair, period), beta(*pair, period)


def _spillover(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> tuple[Values, Values]:
    """How the own range goes with the other's earlier one, and how much more so than the other way round."""
    n_bars, n_lag = period
    follows = correlation(own["log_range"], lag(other["log_range"], n_lag), n_bars)
    return follows, follows - correlation(other["log_range"], lag(own["log_range"], n_lag), n_bars)


def _summed(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> tuple[Values, Values]:
    """Correlation of returns over several bars, and by how much it exceeds that of one bar."""
    n_bars, n_sum = period
    summed = correlation(total(own["log_return"], n_sum), total(other["log_return"], n_sum), n_bars)
    return summed, summed - correlation(own["log_return"], other["log_return"], n_bars)


def _agreement(own: Inputs, other: NamedSeries, period: int) -> Values:
    """Mean product of the signs of returns."""
    return mean(np.sign(own["log_return"]) * np.sign(other["log_return"]), period)


def _new_high(series: NamedSeries, n_bars: int, *, sign: float) -> Values:
    """1 where the close went beyond those of the bars before."""
    price = sign * series["log_close"]
    return above(price, lag(highest(price, n_bars), 1) + SAME)


def _divergence(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> tuple[Values, Values]:
    """Own new highs minus the other's, a bar; and the same of lows."""
    n_bars, n_mean = period
    gaps = [_new_high(own, n_bars, sign=sign) - _new_high(other, n_bars, sign=sign) for sign in (1.0, -1.0)]
    return mean(gaps[0], n_mean), mean(gaps[1], n_mean)


def _since_alone(own: Inputs, other: NamedSeries, period: int) -> tuple[Values, Values]:
    """Bars since the own close made a high, and a low, that the other did not make."""
    ages = []
    for sign in (1.0, -1.0):
        alone = (_new_high(own, period, sign=sign) == 1) & (_new_high(other, period, sign=sign) == 0)
        ages.append(bars_since(alone))
    return ages[0], ages[1]


def _joint_jumps(own: Inputs, other: NamedSeries, period: int) -> tuple[Values, Values]:
    """Share of bars at which both moved beyond two deviations, and own such bars minus the other's."""
    large = [above(np.abs(s["log_return"]), 2 * lag(s["return_std"], 1)) for s in (own, other)]
    return mean(large[0] * large[1], period), mean(large[0] - large[1], period)


def _correlation_gap(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> Values:
    short, long = (correlation(own["log_return"], other["log_return"], n) for n in period)
    return short - long


def _beta_gap(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> Values:
    short, long = (beta(own["log_return"], other["log_return"], n) for n in period)
    return short - long


def _restlessness(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> Values:
    """How much the rolling beta has moved."""
    return std(beta(own["log_return"], other["log_return"], period[0]), period[1])


def _unexplained(own: Inputs, other: NamedSeries) -> Values:
    """Return less the other's at the beta known one bar before."""
    return own["log_return"] - lag(beta(own["log_return"], other["log_return"], 100), 1) * other["log_return"]


def _unexplained_volatility(own: Inputs, other: NamedSeries, period: int) -> Values:
    return log_ratio(std(_unexplained(own, other), period), std(own["log_return"], period))


def _unexplained_sum(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> Values:
    """Where the summed unexplained return lies between its lowest and highest of some bars."""
    n_sum, n_bars = period
    summed = total(_unexplained(own, other), n_sum)
    low, high = lowest(summed, n_bars), highest(summed, n_bars)
    return ratio(summed - low, high - low)


def _body_lead(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> Values:
    return correlation(own["log_return"], lag(other["body"], period[1]), period[0])


def _volume_lead(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> Values:
    return correlation(own["log_range"], lag(other["log_volume"], period[1]), period[0])


def _wick_spread(own: Inputs, other: NamedSeries, period: int) -> tuple[Values, Values]:
    upper, lower = (mean(own[name] - other[name], period) for name in ("upper_wick_atr", "lower_wick_atr"))
    return upper, lower


def _recipe(name: str, formula: PairFormula, source: str, **parts: Any) -> tuple[Recipe, Recipe]:
    """The row against each other symbol, and against the index of all of them."""
    declare = partial(Recipe, source=source, width="full", **parts)
    return (
        declare(name=name, formula=formula, scope="pair"),
        declare(name=f"market_{name}", formula=against_market(formula), scope="market"),
    )


ROWS = (
    _recipe(
        "sided_beta",
        _sided_beta,
        "Ang, Chen and Xing 2006, Downside Risk",
        outputs=("falling", "falling_less_rising"),
        periods=(50, 100, 200, 400),
        transforms=("level", "change20"),
    ),
    _recipe(
        "range_link",
        _range_link,
        "Pearson's correlation and least-squares slope of log ranges",
        outputs=("correlation", "beta"),
        periods=(20, 100, 400),
    ),
    _recipe(
        "spillover",
        _spillover,
        "Diebold and Yilmaz 2009, volatility spillovers, by correlation",
        outputs=("follows", "balance"),
        periods=((50, 1), (200, 1), (200, 5)),
    ),
    _recipe(
        "summed",
        _summed,
        "Epps 1979, Comovements in Stock Prices in the Very Short Run",
        outputs=("correlation", "gain"),
        periods=((50, 5), (200, 5), (400, 20)),
    ),
    _recipe(
        "agreement",
        _agreement,
        "Kendall's sign concordance of returns",
        periods=(10, 50, 200),
    ),
    _recipe(
        "divergence",
        _divergence,
        "Dow theory (Rhea 1932), averages must confirm: own new closing highs minus the other's",
        outputs=("high", "low"),
        periods=((10, 20), (20, 50), (50, 200)),
    ),
    _recipe(
        "since_alone",
        _since_alone,
        "Dow theory (Rhea 1932): bars since an unconfirmed closing high or low",
        outputs=("high", "low"),
        periods=(20, 50),
    ),
    _recipe(
        "joint_jumps",
        _joint_jumps,
        "Jacod and Todorov 2009, common jumps: share of bars",
        outputs=("both", "balance"),
        periods=(50, 200),
    ),
    _recipe(
        "correlation_gap",
        _correlation_gap,
        "own choice: short against long correlation",
        periods=((10, 50), (20, 100), (100, 400)),
    ),
    _recipe(
        "beta_gap",
        _beta_gap,
        "own choice: short against long beta",
        periods=((10, 50), (20, 100), (100, 400)),
    ),
    _recipe("restlessness", _restlessness, "own choice: deviation of the rolling beta", periods=((20, 100), (50, 200))),
    _recipe(
        "unexplained_volatility",
        _unexplained_volatility,
        "Campbell, Lettau, Malkiel and Xu 2001, idiosyncratic volatility",
        periods=(20, 50, 200),
    ),
    _recipe(
        "unexplained_place",
        _unexplained_sum,
        "Blitz, Huij and Martens 2011, residual momentum against its own past",
        periods=((1, 50), (5, 200), (20, 100), (100, 400)),
    ),
    _recipe(
        "unexplained_skewness",
        lambda own, other, p: skewness(_unexplained(own, other), p),
        "Boyer, Mitton and Vorkink 2010, Expected Idiosyncratic Skewness",
        periods=(50, 100, 400),
    ),
    _recipe(
        "body_lead",
        _body_lead,
        LEAD_LAG + ", of the bar's body",
        periods=((50, 1), (200, 1), (400, 1)),
    ),
    _recipe(
        "volume_lead",
        _volume_lead,
        "Karpoff 1987, price changes and volume, across symbols",
        periods=((50, 0), (200, 0), (200, 1)),
    ),
    _recipe(
        "wick_spread",
        _wick_spread,
        "own choice: own wicks less the other's, in units of ATR(14)",
        outputs=("upper", "lower"),
        periods=(1, 10, 50),
    ),
)
RECIPES = tuple(recipe for rows in zip(*ROWS, strict=True) for recipe in rows)
