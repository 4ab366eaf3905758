"""Technical columns of volume at full width: spreads, impact and what follows volume.

The bars hold no trades and no quotes: spreads and impact are estimated as the literature does from daily prices.
"""

import math
from collections.abc import Callable

import numpy as np

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    autocorrelation,
    beta,
    change,
    correlation,
    highest,
    lag,
    log_ratio,
    lowest,
    mean,
    mean_where,
    ratio,
    zscore,
)

CORWIN_SCHULTZ = "Corwin and Schultz 2012, A Simple Way to Estimate Bid-Ask Spreads from Daily High and Low Prices"


def _illiquidity_balance(bars: Inputs, x: None, period: int) -> Values:
    """Return a unit of volume in falling bars against rising ones, in logs."""
    impact = ratio(bars["abs_return"], bars["volume"])
    down, up = (mean_where(impact, bars[side], period) for side in ("down_close", "up_close"))
    return log_ratio(down, up)


def _ease(bars: Inputs, x: None, period: int) -> Values:
    """How far the middle price moves a unit of volume, for the bar's range: near zero when it takes much volume."""
    moved = change((bars["high"] + bars["low"]) / 2, 1) * bars["range"]
    typical = mean(bars["true_range"], 100) ** 2
    eased = ratio(moved * mean(bars["volume"], 100), bars["volume"] * typical)
    return mean(np.clip(eased, -20.0, 20.0), period)


def _corwin_schultz(bars: Inputs) -> Values:
    """Relative spread of each pair of bars; a negative estimate counts as none, as its authors do."""
    single = bars["log_range"] ** 2
    both = single + lag(single, 1)
    pair = (highest(bars["log_high"], 2) - lowest(bars["log_low"], 2)) ** 2
    width = 3 - 2 * math.sqrt(2)
    alpha = (math.sqrt(2) - 1) / width * np.sqrt(both) - np.sqrt(pair / width)
    return np.asarray(np.maximum(2 * np.tanh(np.minimum(alpha, 5.0) / 2), 0.0))


def _abdi_ranaldo(bars: Inputs) -> Values:
    """Squared relative spread of each pair of bars: closes that stand away from the middle of both bars."""
    middle = (bars["log_high"] + bars["log_low"]) / 2
    close = lag(bars["log_close"], 1)
    return 4 * (close - lag(middle, 1)) * (close - middle)


def _roll(bars: Inputs) -> Values:
    """Product of neighbouring returns, negative when the price bounces between bid and ask."""
    return -bars["log_return"] * lag(bars["log_return"], 1)


def _spread(estimate: Callable[[Inputs], Values], *, power: int) -> Callable[[Inputs, None, int], Values]:
    """Mean of an estimate of the spread, in units of volatility to its own power."""

    def compute(bars: Inputs, x: None, period: int) -> Values:
        return ratio(mean(estimate(bars), period), mean(bars["abs_return"] ** power, period))

    return compute


def _reversal(bars: Inputs, x: None, period: int) -> Values:
    """Return that follows a mean volume of net buying, in units of volatility: negative when liquidity is scarce."""
    signed = ratio(bars["signed_volume"], mean(bars["volume"], 100))
    return ratio(beta(bars["log_return"], lag(signed, 1), period), bars["return_std"])


def _volume_reversal(bars: Inputs, x: None, period: int) -> Values:
    """Correlation of a return with the one before times that bar's unusual volume."""
    unusual = zscore(bars["log_volume"], 50)
    return correlation(bars["log_return"], lag(bars["log_return"] * unusual, 1), period)


def _impact(bars: Inputs) -> Values:
    """Log range a unit of volume, less its mean of 200 bars."""
    moved = log_ratio(bars["log_range"], bars["volume"])
    return bars.once("impact", lambda: moved - mean(moved, 200))


RECIPES = (
    Recipe(
        name="illiquidity_balance",
        formula=_illiquidity_balance,
        source="Brennan, Huh and Subrahmanyam 2013, Amihud's measure on falling against rising days",
        periods=(10, 20, 50, 100, 200),
        transforms=("level", "change20"),
        width="full",
    ),
    Recipe(
        name="ease_of_movement",
        formula=_ease,
        source="Arms 1989, ease of movement; over mean volume and squared mean range, each bar at most 20",
        periods=(2, 8, 20, 50),
        transforms=("level", "change5", "crossings100"),
        width="full",
    ),
    Recipe(
        name="high_low_spread",
        formula=_spread(_corwin_schultz, power=1),
        source=CORWIN_SCHULTZ,
        periods=(5, 20, 100),
        transforms=("level", "change10"),
        width="full",
    ),
    Recipe(
        name="close_spread",
        formula=_spread(_abdi_ranaldo, power=2),
        source="Abdi and Ranaldo 2017, A Simple Estimation of Bid-Ask Spreads from Daily Close, High, and Low Prices",
        periods=(5, 20, 100),
        transforms=("level", "change10"),
        width="full",
    ),
    Recipe(
        name="bounce",
        formula=_spread(_roll, power=2),
        source="Roll 1984, A Simple Implicit Measure of the Effective Bid-Ask Spread",
        periods=(3, 10, 50),
        transforms=("level", "change10"),
        width="full",
    ),
    Recipe(
        name="volume_reversal",
        formula=_volume_reversal,
        source="Campbell, Grossman and Wang 1993, Trading Volume and Serial Correlation in Stock Returns",
        periods=(50, 100, 200, 400),
        width="full",
    ),
    Recipe(
        name="order_reversal",
        formula=_reversal,
        source="Pastor and Stambaugh 2003, Liquidity Risk and Expected Stock Returns, gamma",
        periods=(50, 100, 200, 400),
        width="full",
    ),
    Recipe(
        name="volume_leads",
        formula=lambda b, x, p: correlation(lag(b["log_volume"], p[1]), x, p[0]),
        source="Gallant, Rossi and Tauchen 1992, Stock Prices and Volume: volume before the move",
        inputs=("log_return", "log_range"),
        periods=((50, 1), (100, 1), (100, 3), (200, 10)),
        width="full",
    ),
    Recipe(
        name="volume_follows",
        formula=lambda b, x, p: correlation(b["log_volume"], lag(x, p[1]), p[0]),
        source="Gallant, Rossi and Tauchen 1992, Stock Prices and Volume: the move before volume",
        inputs=("log_return", "log_range"),
        periods=((50, 1), (100, 1), (100, 3), (200, 10)),
        width="full",
    ),
    Recipe(
        name="impact_persistence",
        formula=lambda b, x, p: autocorrelation(_impact(b), p),
        source="Amihud 2002: illiquidity is persistent",
        periods=(20, 50, 100, 200),
        width="full",
    ),
)
