"""Technical columns of volume: how much was traded, on which side, and what a unit of it moved."""

import numpy as np
import talib

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    beta,
    change,
    correlation,
    highest,
    log,
    log_ratio,
    mean,
    ratio,
    slope,
    total,
    zscore,
)

GRANVILLE = "Granville 1963, New Key to Stock Market Profits"


def _money_flow(bars: Inputs, x: None, period: int) -> Values:
    """Chaikin's money flow; unknown while nothing was traded, where TA-Lib divides what rounding has left."""
    flow = talib.CMF(bars["high"], bars["low"], bars["close"], bars["volume"], period)
    return np.where(highest(bars["volume"], period) > 0, flow, np.nan)


def _accumulation_oscillator(bars: Inputs, x: None, period: tuple[int, int]) -> Values:
    line = talib.ADOSC(bars["high"], bars["low"], bars["close"], bars["volume"], *period)
    return ratio(line, mean(bars["volume"], period[1]))


def _force(bars: Inputs, x: None, period: int) -> Values:
    line = talib.EFI(bars["close"], bars["volume"], period)
    return ratio(line, bars["atr"] * mean(bars["volume"], 50))


def _price_volume_trend(bars: Inputs, x: None, period: int) -> Values:
    """Returns weighted by volume, in units of the return's volatility."""
    weighted = total(bars["log_return"] * bars["volume"], period)
    return ratio(weighted, total(bars["volume"], period) * bars["return_std"])


def _illiquidity(bars: Inputs, x: None, period: tuple[int, int]) -> Values:
    """Absolute return a unit of volume, now against its longer mean."""
    impact = ratio(bars["abs_return"], bars["volume"])
    return log_ratio(mean(impact, period[0]), mean(impact, period[1]))


def _price_impact(bars: Inputs, x: None, period: int) -> Values:
    """Kyle's lambda: the return that one mean volume of net buying went with, in units of volatility."""
    signed = ratio(bars["signed_volume"], mean(bars["volume"], 100))
    return ratio(beta(bars["log_return"], signed, period), bars["return_std"])


def _concentration(bars: Inputs, x: None, period: int) -> Values:
    """Herfindahl index of volume over the bars, 1 when all are equal."""
    volume = bars["volume"]
    return ratio(total(volume**2, period) * period, total(volume, period) ** 2)


RECIPES = (
    Recipe(
        name="obv_balance",
        formula=lambda b, x, p: ratio(total(b["signed_volume"], p), total(b["volume"], p)),
        source=GRANVILLE + ", on-balance volume as a share of all volume",
        periods=(3, 10, 20, 50, 200),
        transforms=("level", "change5"),
        full_periods=(400,),
        full_transforms=("std50", "highage50", "lowage50"),
    ),
    Recipe(
        name="money_flow",
        formula=_money_flow,
        source="Chaikin, money flow",
        periods=(5, 20, 50, 200),
        transforms=("level", "change5"),
        full_transforms=("crossings100", "highage50", "lowage50"),
    ),
    Recipe(
        name="accumulation",
        formula=_accumulation_oscillator,
        source="Chaikin oscillator over mean volume",
        periods=((3, 10), (10, 30), (20, 60)),
        full_transforms=("change5", "crossings100", "std100"),
    ),
    Recipe(
        name="force",
        formula=_force,
        source="Elder 1993, force index over ATR(14) and mean volume",
        periods=(2, 13, 50),
        full_transforms=("crossings100", "highage50", "lowage50"),
    ),
    Recipe(
        name="negative_volume",
        formula=lambda b, x, p: change(log(talib.NVI(b["close"], b["volume"])), p),
        source="Fosback 1976, Stock Market Logic, negative volume index: its return",
        periods=(20, 50, 100, 200),
        full_periods=(10,),
        full_transforms=("zscore200",),
    ),
    Recipe(
        name="positive_volume",
        formula=lambda b, x, p: change(log(talib.PVI(b["close"], b["volume"])), p),
        source="Fosback 1976, positive volume index: its return",
        periods=(20, 50, 100, 200),
        full_periods=(10,),
        full_transforms=("zscore200",),
    ),
    Recipe(
        name="volume_oscillator",
        formula=lambda b, x, p: log_ratio(talib.EMA(b["volume"], p[0]), talib.EMA(b["volume"], p[1])),
        source="volume oscillator: fast against slow average of volume",
        periods=((3, 12), (5, 20), (12, 26), (20, 100), (50, 200)),
        transforms=("level", "change5"),
        full_transforms=("highage100", "lowage100"),
    ),
    Recipe(
        name="relative_volume",
        formula=lambda b, x, p: b["log_volume"] - log(mean(b["volume"], p)),
        source="relative volume: this bar against the mean",
        periods=(5, 20, 50, 200),
        full_transforms=("lag1", "highage50", "lowage50"),
    ),
    Recipe(
        name="log_volume",
        formula=lambda b, x, p: b["log_volume"],
        source="own choice: volume against its own distribution",
        transforms=("change1", "zscore20", "rank200"),
        full_transforms=(
            "change5",
            "change20",
            "accel1",
            "std20",
            "std100",
            "highage20",
            "highage200",
            "lowage200",
            "autocorr50",
            "autocorr200",
            "crossings50",
            "run50",
        ),
    ),
    Recipe(
        name="volume_trend",
        formula=lambda b, x, p: slope(b["log_volume"], p),
        source="own choice: growth of volume a bar",
        periods=(5, 20, 50, 100),
        full_periods=(10, 200),
        full_transforms=("change10",),
    ),
    Recipe(
        name="price_volume_trend",
        formula=_price_volume_trend,
        source="price-volume trend, as a volume-weighted return",
        periods=(5, 10, 20, 50, 100),
        full_periods=(200,),
        full_transforms=("change5",),
    ),
    Recipe(
        name="volume_return_correlation",
        formula=lambda b, x, p: correlation(b["log_volume"], x, p),
        source="Karpoff 1987, The Relation Between Price Changes and Trading Volume",
        inputs=("log_return", "abs_return", "body", "close_position"),
        periods=(20, 50, 100, 200),
        full_inputs=("lower_wick", "upper_wick", "range_atr", "gap_atr"),
    ),
    Recipe(
        name="illiquidity",
        formula=_illiquidity,
        source="Amihud 2002, Illiquidity and Stock Returns",
        periods=((5, 50), (20, 100), (50, 200), (100, 400)),
        full_periods=((2, 20), (20, 200)),
        full_transforms=("highage50", "lowage50"),
    ),
    Recipe(
        name="price_impact",
        formula=_price_impact,
        source="Kyle 1985, lambda",
        periods=(50, 100, 200),
        full_periods=(20, 400),
        full_transforms=("change20",),
    ),
    Recipe(
        name="concentration",
        formula=_concentration,
        source="Herfindahl index of volume",
        periods=(10, 20, 50, 100, 200),
        full_transforms=("change10",),
    ),
    Recipe(
        name="largest_share",
        formula=lambda b, x, p: ratio(highest(b["volume"], p), total(b["volume"], p)),
        source="own choice: the busiest bar's share of volume",
        periods=(5, 50),
        full_periods=(20, 200),
    ),
    Recipe(
        name="effort",
        formula=lambda b, x, p: zscore(b["log_volume"], p) - zscore(b["log_range"], p),
        source="Wyckoff's effort against result: volume's z-score minus that of the range",
        periods=(20, 100),
        transforms=("level", "mean5"),
        full_periods=(50,),
        full_transforms=("std50", "autocorr100"),
    ),
)
