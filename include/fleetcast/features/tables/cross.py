"""Cross-symbol columns: one symbol against each other one.

Other symbols' values are those of the same timestamp or earlier; where another symbol has no bar, its value is unknown
and is not filled.
"""

import numpy as np

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs, NamedSeries
from fleetcast.features.rolling import beta, both_known, correlation, lag, log_ratio, mean, ratio, std, total, zscore

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


RECIPES = (
    Recipe(
        name="spread",
        formula=_spread,
        source=STATISTICAL_ARBITRAGE + ": z-score of the difference of log prices",
        scope="pair",
        periods=(20, 50, 100, 200, 400),
        transforms=("level", "change5"),
        full_transforms=("change20",),
    ),
    Recipe(
        name="hedged_spread",
        formula=_hedged_spread,
        source="Engle and Granger 1987, cointegration residual, over its own price's deviation",
        scope="pair",
        periods=(50, 100, 200, 400),
        full_periods=(20,),
        full_transforms=("change20",),
    ),
    Recipe(
        name="beta",
        formula=lambda own, other, p: beta(own["log_return"], other["log_return"], p),
        source="Sharpe 1964, Capital Asset Prices",
        scope="pair",
        periods=(20, 50, 100, 200, 400),
        transforms=("level", "change20"),
        full_transforms=("zscore200",),
    ),
    Recipe(
        name="correlation",
        formula=lambda own, other, p: correlation(own["log_return"], other["log_return"], p),
        source="Pearson's correlation of returns",
        scope="pair",
        periods=(20, 50, 100, 200, 400),
        transforms=("level", "change20"),
        full_transforms=("zscore200",),
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
        full_periods=(2, 3, 10, 100),
    ),
    Recipe(
        name="lead_correlation",
        formula=lambda own, other, p: correlation(own["log_return"], lag(other["log_return"], p[1]), p[0]),
        source=LEAD_LAG,
        scope="pair",
        periods=((50, 1), (50, 2), (100, 1), (100, 3), (200, 1), (200, 5)),
        full_periods=((20, 1), (100, 2), (400, 1), (400, 24)),
    ),
    Recipe(
        name="lead_balance",
        formula=_lead_balance,
        source=LEAD_LAG,
        scope="pair",
        periods=((50, 1), (100, 1), (200, 1), (200, 3)),
        full_periods=((20, 1), (100, 2), (400, 1)),
    ),
    Recipe(
        name="lead_forecast",
        formula=_forecast,
        source=LEAD_LAG,
        scope="pair",
        periods=((50, 1), (100, 1), (200, 1), (200, 3)),
        full_periods=((20, 1), (400, 1)),
    ),
    Recipe(
        name="volume_correlation",
        formula=lambda own, other, p: correlation(own["log_volume"], other["log_volume"], p),
        source="Pearson's correlation of log volume",
        scope="pair",
        periods=(20, 50, 200),
        full_transforms=("change20",),
    ),
    Recipe(
        name="volume_spread",
        formula=lambda own, other, p: zscore(own["log_volume"] - other["log_volume"], p),
        source="own choice: relative volume against the other's",
        scope="pair",
        periods=(20, 100, 400),
        full_transforms=("change20",),
    ),
    Recipe(
        name="volatility_ratio",
        formula=_volatility_ratio,
        source="Parkinson 1980, against the other's",
        scope="pair",
        periods=(1, 5, 20, 50, 200),
        transforms=("level", "change5"),
        full_periods=(100,),
        full_transforms=("rank200",),
    ),
    Recipe(
        name="rsi_spread",
        formula=lambda own, other, p: own["rsi"] - other["rsi"],
        source="Wilder 1978: difference of RSI(14)",
        scope="pair",
        transforms=("level", "change5", "mean20"),
        full_transforms=("change20", "zscore100"),
    ),
    Recipe(
        name="range_position_spread",
        formula=lambda own, other, p: own["close_position"] - other["close_position"],
        source="own choice: where the two bars closed in their ranges",
        scope="pair",
        transforms=("level", "mean5", "mean20"),
        full_transforms=("mean50",),
    ),
)
