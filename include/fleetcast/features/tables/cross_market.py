"""Cross-symbol columns of one symbol against all others together.

Where another symbol has no bar, its value is unknown and is not filled.
"""

from collections.abc import Sequence

import numpy as np

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs, NamedSeries
from fleetcast.features.market_index import MarketIndex
from fleetcast.features.rolling import beta, change, correlation, lag, mean, ratio, std, total, zscore


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
    market = MarketIndex(others)["log_return"]
    return beta(own["log_return"], market, period), correlation(own["log_return"], market, period)


def _market_residual(own: Inputs, others: Sequence[NamedSeries], period: int) -> Values:
    market = MarketIndex(others)["log_return"]
    left = own["log_return"] - lag(beta(own["log_return"], market, 100), 1) * market
    return ratio(total(left, period), std(left, 100) * np.sqrt(period))


def _surge(own: Inputs, others: Sequence[NamedSeries], period: int) -> Values:
    """The own volume's z-score minus the others' mean one."""
    return zscore(own["log_volume"], period) - zscore(MarketIndex(others)["log_volume"], period)


RECIPES = (
    Recipe(
        name="dispersion",
        formula=_dispersion,
        source="Solnik and Roulet 2000, Dispersion as Cross-Sectional Correlation",
        scope="market",
        periods=(1, 5, 20, 50, 100),
        transforms=("level", "change5", "rank200"),
        full_periods=(10,),
    ),
    Recipe(
        name="standing",
        formula=_own_rank,
        source="Jegadeesh and Titman 1993, cross-sectional momentum",
        scope="market",
        outputs=("rank", "distance"),
        periods=(1, 5, 10, 20, 50, 100),
        full_periods=(3, 200),
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
        full_periods=(20, 100, 400),
    ),
    Recipe(
        name="market_residual",
        formula=_market_residual,
        source="Blitz, Huij and Martens 2011, against the mean of the others",
        scope="market",
        periods=(1, 20, 50),
        full_periods=(5, 10, 100),
    ),
    Recipe(
        name="surge",
        formula=_surge,
        source="own choice: volume that the others did not see",
        scope="market",
        periods=(20, 100),
        full_periods=(10, 400),
        full_transforms=("mean10",),
    ),
    Recipe(
        name="change_of_beta",
        formula=lambda own, others, p: change(_market_fit(own, others, p)[0], p // 2),
        source="own choice: beta to the others against half a period ago",
        scope="market",
        periods=(50, 100, 200),
    ),
)
