"""Technical columns of cycles and statistics of returns."""

from typing import Any

import numpy as np
import talib

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    change,
    correlation,
    highest,
    kurtosis,
    lag,
    log_ratio,
    mean,
    rank,
    ratio,
    side_of_mean,
    skewness,
    std,
    streak,
    total,
    variance,
    zscore,
)

EHLERS = "Ehlers 2001, Rocket Science for Traders"


def _cycle(bars: Inputs, x: Values, period: None) -> tuple[Any, ...]:
    """Dominant cycle, its phase as sine and lead sine, the phasor in units of ATR(14), and the trend mode."""
    length = talib.HT_DCPERIOD(x)
    sine, lead = talib.HT_SINE(x)
    in_phase, quadrature = (ratio(part, std(x, 50)) for part in talib.HT_PHASOR(x))
    trending = np.where(np.isnan(sine), np.nan, talib.HT_TRENDMODE(x))
    return length, sine, lead, in_phase, quadrature, trending


def _autocorrelation(bars: Inputs, x: Values, period: tuple[int, int]) -> Values:
    return correlation(x, lag(x, period[1]), period[0])


def _variance_ratio(bars: Inputs, x: None, period: tuple[int, int]) -> Values:
    """Variance of q-bar returns over q times that of one-bar returns: above 1 trending, below 1 reverting."""
    long = variance(change(bars["log_close"], period[1]), period[0])
    return ratio(long, variance(bars["log_return"], period[0]) * period[1])


def _quantile_asymmetry(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Bowley's skewness of returns by nearest ranks, and the width between outer and middle quantiles."""
    low, quarter, middle, three_quarters, high = (
        talib.PERCENTILE(bars["log_return"], period, q) for q in (10.0, 25.0, 50.0, 75.0, 90.0)
    )
    return ratio(high + low - 2 * middle, high - low), ratio(high - low, three_quarters - quarter)


def _sign_changes(bars: Inputs, x: None, period: int) -> Values:
    sign = np.sign(np.nan_to_num(bars["log_return"]))
    return mean((sign * np.nan_to_num(lag(sign, 1)) < 0).astype(np.float64), period)


RECIPES = (
    Recipe(
        name="cycle",
        formula=_cycle,
        source=EHLERS,
        inputs=("close", "volume"),
        outputs=("length", "sine", "lead_sine", "in_phase", "quadrature", "trending"),
        full_inputs=("true_range",),
        full_transforms=("change5", "std50"),
    ),
    Recipe(
        name="skewness",
        formula=lambda b, x, p: skewness(x, p),
        source="third standardised moment",
        inputs=("log_return", "log_volume"),
        periods=(20, 50, 100, 200),
        full_inputs=("body", "close_position"),
        full_transforms=("change20",),
    ),
    Recipe(
        name="kurtosis",
        formula=lambda b, x, p: kurtosis(x, p),
        source="fourth standardised moment",
        inputs=("log_return",),
        periods=(20, 50, 100, 200),
        full_inputs=("log_volume",),
        full_transforms=("change20",),
    ),
    Recipe(
        name="autocorrelation",
        formula=_autocorrelation,
        source="Lo and MacKinlay 1988, Stock Market Prices Do Not Follow Random Walks",
        inputs=("log_return",),
        periods=tuple((n, k) for n in (100, 200) for k in (1, 2, 3, 5, 10)),
        full_periods=((50, 1), (50, 2), (400, 1), (400, 20)),
    ),
    Recipe(
        name="autocorrelation",
        formula=_autocorrelation,
        source="Cont 2001, Empirical Properties of Asset Returns, clustering",
        inputs=("abs_return", "log_volume", "log_range"),
        periods=((50, 1), (100, 1), (200, 5)),
        full_inputs=("body", "close_position", "signed_volume"),
        full_periods=((20, 1), (100, 3), (100, 10), (200, 24)),
    ),
    Recipe(
        name="variance_ratio",
        formula=_variance_ratio,
        source="Lo and MacKinlay 1988, variance ratio",
        periods=tuple((n, q) for n in (100, 200, 400) for q in (4, 8, 16)),
        full_periods=((50, 2), (50, 4), (100, 2), (200, 32), (400, 64)),
        full_transforms=("change20",),
    ),
    Recipe(
        name="leverage",
        formula=lambda b, x, p: correlation(lag(b["log_return"], 1), b["abs_return"], p),
        source="Black 1976, the leverage effect",
        periods=(50, 100, 200),
        full_periods=(20, 400),
    ),
    Recipe(
        name="quantiles",
        formula=_quantile_asymmetry,
        source="Bowley 1901, and Hogg 1974 on tail weight",
        outputs=("asymmetry", "tails"),
        periods=(50, 100, 200),
        full_transforms=("change20",),
    ),
    Recipe(name="sign_changes", formula=_sign_changes, source="runs test of signs", periods=(10, 20, 50, 100)),
    Recipe(
        name="zscore",
        formula=lambda b, x, p: zscore(x, p),
        source="own choice: a bar's return and range against the last bars'",
        inputs=("log_return", "log_range"),
        periods=(20, 200),
    ),
    Recipe(
        name="price_rank",
        formula=lambda b, x, p: rank(x, p),
        source="own choice: share of earlier closes below this one",
        inputs=("close",),
        periods=(50, 200),
        full_inputs=("volume", "obv"),
        full_periods=(20, 100),
        full_transforms=("run50",),
    ),
    Recipe(
        name="largest_return_share",
        formula=lambda b, x, p: ratio(highest(b["squared_return"], p), total(b["squared_return"], p)),
        source="own choice: how much of the variance one bar made",
        periods=(20, 100),
        full_periods=(10, 50, 200),
        full_transforms=("change10",),
    ),
    Recipe(
        name="mean_deviation_ratio",
        formula=lambda b, x, p: log_ratio(mean(b["abs_return"], p), std(b["log_return"], p)),
        source="Geary 1935, mean deviation over standard deviation",
        periods=(20, 50, 100, 200),
    ),
    Recipe(
        name="return_run",
        formula=lambda b, x, p: streak(side_of_mean(b["close"], p)),
        source="own choice: bars in a row above (+) or below (-) the average",
        periods=(5, 10, 20, 50, 100),
        full_periods=(200,),
    ),
)
