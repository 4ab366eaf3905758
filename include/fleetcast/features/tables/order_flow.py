"""Technical columns of volume at full width: who was behind it, and when it came.

The bars hold no trades and no quotes: sides are estimated from prices, as the literature does for daily data.
"""

import numpy as np
import talib

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    above,
    bars_since,
    both_known,
    change,
    highest,
    lag,
    log_ratio,
    lowest,
    mean,
    mean_where,
    ratio,
    skewness,
    slope,
    std,
    total,
)

BULK = "Easley, Lopez de Prado and O'Hara 2012, bulk volume classification and VPIN; a logistic curve for Student's"


def _bought_share(bars: Inputs) -> Values:
    """Share of a bar's volume that was bought, from its return in units of volatility; minus one half, times two."""
    return bars.once("bought_share", lambda: np.tanh(0.85 * ratio(bars["log_return"], bars["return_std"])))


def _imbalance(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Net share of volume bought, and the mean share on whichever side was larger in each bar (VPIN)."""
    share, volume = both_known(_bought_share(bars), bars["volume"])
    bought, either = total(share * volume, period), total(np.abs(share) * volume, period)
    return ratio(bought, total(volume, period)), ratio(either, total(volume, period))


def _up_to_down(bars: Inputs, x: None, period: int) -> Values:
    up, down = (mean_where(bars["volume"], bars[side], period) for side in ("up_close", "down_close"))
    return log_ratio(up, down)


def _weighted_excess(bars: Inputs, x: Values, period: int) -> Values:
    """Volume-weighted minus plain mean, in standard deviations."""
    x, volume = both_known(x, bars["volume"])
    weighted = ratio(total(x * volume, period), total(volume, period))
    return ratio(weighted - mean(x, period), std(x, period))


def _facilitation(bars: Inputs, x: None, period: int) -> Values:
    """Range a unit of volume, against its mean of the period, in logs."""
    moved = ratio(bars["range"], bars["volume"])
    return log_ratio(moved, mean(moved, period))


def _facilitation_states(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """Shares of bars by whether range a unit of volume, and volume, grew: green, fade, fake; the rest squat."""
    moved = ratio(bars["range"], bars["volume"])
    eased = above(moved, lag(moved, 1))
    grew = above(bars["volume"], lag(bars["volume"], 1))
    return mean(eased * grew, period), mean((1 - eased) * (1 - grew), period), mean(eased * (1 - grew), period)


def _klinger(bars: Inputs, x: None, period: tuple[int, int, int]) -> tuple[Values, Values]:
    """Klinger's oscillator of signed volume force over mean volume, and its distance from its signal line."""
    direction = np.sign(np.nan_to_num(change(bars["typical"], 1)))
    force = direction * bars["volume"] * np.abs(2 * bars["close_position"] - 1)
    line = talib.EMA(force, period[0]) - talib.EMA(force, period[1])
    unit = mean(bars["volume"], period[1])
    return ratio(line, unit), ratio(line - talib.EMA(line, period[2]), unit)


def _spikes(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """Bars of more than twice the mean volume: share, rising minus falling, age; and the age of a third of it."""
    usual = lag(mean(bars["volume"], 50), 1)
    spike = above(bars["volume"], 2 * usual)
    direction = np.sign(bars["log_return"])
    return mean(spike, period), mean(spike * direction, period), mean(above(usual / 3, bars["volume"]), period)


def _spike_ages(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    usual = lag(mean(bars["volume"], period), 1)
    return bars_since(bars["volume"] > 3 * usual), bars_since(3 * bars["volume"] < usual)


def _at_extremes(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Share of the last 100 bars' volume in bars that made new highs, and new lows."""
    whole = total(bars["volume"], 100)
    high = above(bars["high"], lag(highest(bars["high"], period), 1))
    low = above(lag(lowest(bars["low"], period), 1), bars["low"])
    return ratio(total(high * bars["volume"], 100), whole), ratio(total(low * bars["volume"], 100), whole)


def _trend_of_balance(bars: Inputs, x: None, period: int) -> Values:
    """Slope of on-balance volume in mean volumes a bar, against what the price's own slope lets expect."""
    flow = ratio(slope(bars["obv"], period), mean(bars["volume"], period))
    moved = ratio(slope(bars["log_close"], period), bars["return_std"])
    return flow - moved


RECIPES = (
    Recipe(
        name="bulk_imbalance",
        formula=_imbalance,
        source=BULK,
        outputs=("net", "vpin"),
        periods=(5, 20, 100),
        transforms=("level", "change10", "highage50"),
        width="full",
    ),
    Recipe(
        name="up_to_down_volume",
        formula=_up_to_down,
        source="Granville 1963, volume on rising against falling days",
        periods=(20, 100),
        transforms=("level", "change10"),
        width="full",
    ),
    Recipe(
        name="volume_weighted_excess",
        formula=_weighted_excess,
        source="own choice: what the busy bars did and the quiet ones did not",
        inputs=("log_return", "abs_return"),
        periods=(20, 100),
        width="full",
    ),
    Recipe(
        name="facilitation",
        formula=_facilitation,
        source="Williams 1995, Trading Chaos, market facilitation index",
        periods=(5, 20, 100),
        transforms=("level", "lag1", "mean5", "autocorr100"),
        width="full",
    ),
    Recipe(
        name="facilitation_states",
        formula=_facilitation_states,
        source="Williams 1995, Trading Chaos, the four kinds of bar",
        outputs=("green", "fade", "fake"),
        periods=(5, 20, 100),
        width="full",
    ),
    Recipe(
        name="klinger",
        formula=_klinger,
        source="Klinger 1997, volume oscillator; over mean volume, each bar's force without its memory of the trend",
        outputs=("line", "signal"),
        periods=((5, 13, 5), (34, 55, 13), (68, 110, 26)),
        transforms=("level", "highage50"),
        width="full",
    ),
    Recipe(
        name="volume_spikes",
        formula=_spikes,
        source="own choice: bars of twice the usual volume",
        outputs=("share", "direction", "quiet"),
        periods=(10, 30, 100, 200),
        width="full",
    ),
    Recipe(
        name="volume_spike_age",
        formula=_spike_ages,
        source="own choice: age of the last bar of three times, and of a third of, the mean volume before",
        outputs=("busy", "quiet"),
        periods=(20, 100),
        width="full",
    ),
    Recipe(
        name="volume_at_extremes",
        formula=_at_extremes,
        source="own choice: how much was traded at new highs and lows",
        outputs=("high", "low"),
        periods=(5, 20, 50),
        width="full",
    ),
    Recipe(
        name="balance_divergence",
        formula=_trend_of_balance,
        source="Granville 1963, on-balance volume that leads or lags the price",
        periods=(10, 20, 50, 100, 200),
        transforms=("level", "change10"),
        width="full",
    ),
    Recipe(
        name="volume_skewness",
        formula=lambda b, x, p: skewness(b["volume"], p),
        source="third standardised moment",
        periods=(20, 50, 100),
        width="full",
    ),
)
