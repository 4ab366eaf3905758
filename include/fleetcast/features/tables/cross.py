"""Cross-symbol columns: one symbol against each other one, and against all of them.

Other symbols' values are those of the same timestamp or earlier; where another symbol has no bar, its value is unknown
and is not filled.
"""

from collections.abc import Sequence

import numpy as np

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs, NamedSeries
from fleetcast.features.rolling import (
    beta,
    both_known,
    change,
    correlation,
    lag,
    log_ratio,
    mean,
    ratio,
    std,
    total,
    zscore,
)

STATISTICAL_ARBITRAGE = "Gatev, Goetzmann and Rouwenhorst 2006, Pairs Trading"
LEAD_LAG = "Lo and MacKinlay 1990, When Are Contrarian Profits Due to Stock Market Overreaction (lead-lag)"


def _spread(own: Inputs, other: NamedSeries, period: int) -> Values:
    return zscore(own["log_close"] - other["log_close"], period)


def _relative_strength(own: Inputs, other: NamedSeries, period: int) -> Values:
    """Difference of returns over the period, in units of its volatility."""
    difference = own["log_return"] - other["log_return"]
    return ratio(total(difference, period), std(difference, 100) * np.sqrt(period))


def _residual_return(own: Inputs, other: NamedSeries) -> Values:
    explained = lag(beta(own["log_return"], other["log_return"], 100), 1) * other["log_return"]
    return own["log_return"] - explained


def _residual(own: Inputs, other: NamedSeries, period: int) -> Values:
    """Return that the other's return, at the beta known one bar before, leaves open, in units of its volatility."""
    left = _residual_return(own, other)
    return ratio(total(left, period), std(left, 100) * np.sqrt(period))


def _forecast(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> Values:
    """What the other's present return says of the next bars, by the lagged beta so far, in units of volatility."""
    n_bars, n_lag = period
    lagged = beta(own["log_return"], lag(other["log_return"], n_lag), n_bars)
    return ratio(lagged * other["log_return"], own["return_std"])


def _lead_balance(own: Inputs, other: NamedSeries, period: tuple[int, int]) -> Values:
    """How much more the other's past goes with the own present than the own past with the other's present."""
    n_bars, n_lag = period
    other_leads = correlation(own["log_return"], lag(other["log_return"], n_lag), n_bars)
    return other_leads - correlation(other["log_return"], lag(own["log_return"], n_lag), n_bars)


def _volatility_ratio(own: Inputs, other: NamedSeries, period: int) -> Values:
    return log_ratio(mean(own["parkinson"], period), mean(other["parkinson"], period)) / 2


def _hedged_spread(own: Inputs, other: NamedSeries, period: int) -> Values:
    """z-score of the log price minus beta times the other's, beta over the same bars."""
    own_price, other_price = both_known(own["log_close"], other["log_close"])
    hedge = beta(own_price, other_price, period)
    left = own_price - mean(own_price, period) - hedge * (other_price - mean(other_price, period))
    return ratio(left, std(own_price, period))


def _market(others: Sequence[NamedSeries], name: str) -> Values:
    """Mean over the other symbols that have this bar; NaN when none has."""
    series = [other[name] for other in others]
    known = sum((~np.isnan(s)).astype(np.float64) for s in series)
    return ratio(np.sum([np.nan_to_num(s) for s in series], axis=0), np.asarray(known))


def _moves(own: Inputs, others: Sequence[NamedSeries], period: int) -> list[Values]:
    """Every symbol's return over the period in units of its volatility, the own one first."""
    return [ratio(total(s["log_return"], period), s["return_std"] * np.sqrt(period)) for s in (own, *others)]


def _dispersion(own: Inputs, others: Sequence[NamedSeries], period: int) -> Values:
    """Standard deviation over the symbols of their scaled returns; NaN unless all are known."""
    moves = _moves(own, others, period)
    middle = sum(moves) / len(moves)
    return np.sqrt(sum((move - middle) ** 2 for move in moves) / len(moves))


def _own_rank(own: Inputs, others: Sequence[NamedSeries], period: int) -> tuple[Values, Values]:
    """Share of the other symbols that moved less, and the distance to the mean move."""
    first, *rest = _moves(own, others, period)
    known = ~np.isnan(sum(rest, start=first))
    below = sum((first > move).astype(np.float64) for move in rest) / len(rest)
    return np.where(known, below, np.nan), first - sum(rest) / len(rest)


def _breadth(own: Inputs, others: Sequence[NamedSeries], period: int) -> Values:
    """Share of the other symbols that stand above their own mean."""
    gaps = [other["log_close"] - mean(other["log_close"], period) for other in others]
    above = sum((gap > 0).astype(np.float64) for gap in gaps) / len(gaps)
    return np.where(np.isnan(sum(gaps)), np.nan, above)


def _market_fit(own: Inputs, others: Sequence[NamedSeries], period: int) -> tuple[Values, Values]:
    market = _market(others, "log_return")
    return beta(own["log_return"], market, period), correlation(own["log_return"], market, period)


def _market_residual(own: Inputs, others: Sequence[NamedSeries], period: int) -> Values:
    market = _market(others, "log_return")
    left = own["log_return"] - lag(beta(own["log_return"], market, 100), 1) * market
    return ratio(total(left, period), std(left, 100) * np.sqrt(period))


def _surge(own: Inputs, others: Sequence[NamedSeries], period: int) -> Values:
    """The own volume's z-score minus the others' mean one."""
    return zscore(own["log_volume"], period) - zscore(_market(others, "log_volume"), period)


RECIPES = (
    Recipe(
        name="spread",
        formula=_spread,
        source=STATISTICAL_ARBITRAGE + ": z-score of the difference of log prices",
        scope="pair",
        periods=(20, 50, 100, 200, 400),
        transforms=("level", "change5"),
    ),
    Recipe(
        name="hedged_spread",
        formula=_hedged_spread,
        source="Engle and Granger 1987, cointegration residual, over its own price's deviation",
        scope="pair",
        periods=(50, 100, 200, 400),
    ),
    Recipe(
        name="beta",
        formula=lambda own, other, p: beta(own["log_return"], other["log_return"], p),
        source="Sharpe 1964, Capital Asset Prices",
        scope="pair",
        periods=(20, 50, 100, 200, 400),
        transforms=("level", "change20"),
    ),
    Recipe(
        name="correlation",
        formula=lambda own, other, p: correlation(own["log_return"], other["log_return"], p),
        source="Pearson's correlation of returns",
        scope="pair",
        periods=(20, 50, 100, 200, 400),
        transforms=("level", "change20"),
    ),
    Recipe(
        name="relative_strength",
        formula=_relative_strength,
        source="Levy 1967, Relative Strength as a Criterion for Investment Selection",
        scope="pair",
        periods=(1, 2, 3, 5, 10, 20, 50, 100, 200),
    ),
    Recipe(
        name="residual",
        formula=_residual,
        source="Blitz, Huij and Martens 2011, Residual Momentum",
        scope="pair",
        periods=(1, 5, 20, 50),
    ),
    Recipe(
        name="lead_correlation",
        formula=lambda own, other, p: correlation(own["log_return"], lag(other["log_return"], p[1]), p[0]),
        source=LEAD_LAG,
        scope="pair",
        periods=((50, 1), (50, 2), (100, 1), (100, 3), (200, 1), (200, 5)),
    ),
    Recipe(
        name="lead_balance",
        formula=_lead_balance,
        source=LEAD_LAG,
        scope="pair",
        periods=((50, 1), (100, 1), (200, 1), (200, 3)),
    ),
    Recipe(
        name="lead_forecast",
        formula=_forecast,
        source=LEAD_LAG,
        scope="pair",
        periods=((50, 1), (100, 1), (200, 1), (200, 3)),
    ),
    Recipe(
        name="volume_correlation",
        formula=lambda own, other, p: correlation(own["log_volume"], other["log_volume"], p),
        source="Pearson's correlation of log volume",
        scope="pair",
        periods=(20, 50, 200),
    ),
    Recipe(
        name="volume_spread",
        formula=lambda own, other, p: zscore(own["log_volume"] - other["log_volume"], p),
        source="own choice: relative volume against the other's",
        scope="pair",
        periods=(20, 100, 400),
    ),
    Recipe(
        name="volatility_ratio",
        formula=_volatility_ratio,
        source="Parkinson 1980, against the other's",
        scope="pair",
        periods=(1, 5, 20, 50, 200),
        transforms=("level", "change5"),
    ),
    Recipe(
        name="rsi_spread",
        formula=lambda own, other, p: own["rsi"] - other["rsi"],
        source="Wilder 1978: difference of RSI(14)",
        scope="pair",
        transforms=("level", "change5", "mean20"),
    ),
    Recipe(
        name="range_position_spread",
        formula=lambda own, other, p: own["close_position"] - other["close_position"],
        source="own choice: where the two bars closed in their ranges",
        scope="pair",
        transforms=("level", "mean5", "mean20"),
    ),
    Recipe(
        name="dispersion",
        formula=_dispersion,
        source="Solnik and Roulet 2000, Dispersion as Cross-Sectional Correlation",
        scope="market",
        periods=(1, 5, 20, 50, 100),
        transforms=("level", "change5", "rank200"),
    ),
    Recipe(
        name="standing",
        formula=_own_rank,
        source="Jegadeesh and Titman 1993, cross-sectional momentum",
        scope="market",
        outputs=("rank", "distance"),
        periods=(1, 5, 10, 20, 50, 100),
    ),
    Recipe(
        name="breadth",
        formula=_breadth,
        source="market breadth: share of the others above their mean",
        scope="market",
        periods=(10, 20, 50, 100, 200),
    ),
    Recipe(
        name="market",
        formula=_market_fit,
        source="Sharpe 1964, against the mean of the others",
        scope="market",
        outputs=("beta", "correlation"),
        periods=(50, 200),
    ),
    Recipe(
        name="market_residual",
        formula=_market_residual,
        source="Blitz, Huij and Martens 2011, against the mean of the others",
        scope="market",
        periods=(1, 20, 50),
    ),
    Recipe(
        name="surge",
        formula=_surge,
        source="own choice: volume that the others did not see",
        scope="market",
        periods=(20, 100),
    ),
    Recipe(
        name="change_of_beta",
        formula=lambda own, others, p: change(_market_fit(own, others, p)[0], p // 2),
        source="own choice: beta to the others against half a period ago",
        scope="market",
        periods=(50, 100, 200),
    ),
)
