"""Temporal columns of age: bars since something happened, at most 500."""

import numpy as np
import talib

from fleetcast.features.calendar_groups import DAY_MS, FIRST_MONDAY_MS, WEEK_MS, group_by
from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import Flags, bars_since, highest, lag, lowest, mean, ratio, std, total

OWN = "own choice: bars since "
SAME = 1e-9  # log prices nearer than this are equal


def _since_new_high(bars: Inputs, x: None, period: int) -> Values:
    return bars_since(bars["high"] > lag(highest(bars["high"], period), 1))


def _since_new_low(bars: Inputs, x: None, period: int) -> Values:
    return bars_since(bars["low"] < lag(lowest(bars["low"], period), 1))


def _since_large_move(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    size = ratio(bars["log_return"], lag(bars["return_std"], 1))
    return bars_since(size > period), bars_since(size < -period)


def _since_volume_spike(bars: Inputs, x: None, period: int) -> Values:
    return bars_since(bars["volume"] > period * lag(mean(bars["volume"], 50), 1))


def _crossings(above: Values) -> tuple[Values, Values]:
    """Bars since the series rose above zero, and since it fell below."""
    before = lag(above, 1)
    return bars_since((above > SAME) & (before <= SAME)), bars_since((above < -SAME) & (before >= -SAME))


def _since_mean_cross(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    return _crossings(bars["log_close"] - mean(bars["log_close"], period))


def _since_turn(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Bars since the return over so many bars changed its sign."""
    return _crossings(bars["log_close"] - lag(bars["log_close"], period))


def _since_rsi(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Bars since RSI(14) stood so far above the middle, and so far below it."""
    return bars_since(bars["rsi"] > 50 + period), bars_since(bars["rsi"] < 50 - period)


def _largest(x: Values, period: int) -> Flags:
    """Whether the value is beyond all of the bars before."""
    return x > lag(highest(x, period), 1)


def _since_record(bars: Inputs, x: Values, period: int) -> tuple[Values, Values]:
    return bars_since(_largest(x, period)), bars_since(_largest(-x, period))


def _since_run(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Bars since so many closes in a row rose, and fell."""
    up, down = (total(bars[kind], period) for kind in ("up_close", "down_close"))
    return bars_since(up > period - 0.5), bars_since(down > period - 0.5)


def _since_quiet_volume(bars: Inputs, x: None, period: int) -> Values:
    return bars_since(period * bars["volume"] < lag(mean(bars["volume"], 50), 1))


def _since_band(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Bars since the close stood two deviations above, and below, its mean."""
    away = bars["log_close"] - mean(bars["log_close"], period)
    width = 2 * std(bars["log_close"], period)
    return bars_since(away > width), bars_since(away < -width)


def _since_pattern(bars: Inputs, x: None, period: None) -> tuple[Values, Values]:
    engulfing = talib.CDLENGULFING(bars["open"], bars["high"], bars["low"], bars["close"])
    return bars_since(engulfing > 0), bars_since(engulfing < 0)


def _extreme_age(bars: Inputs, x: None, unit: str) -> tuple[Values, Values]:
    """Bars since the high and the low so far of this day or week, as a share of its bars so far."""
    length_ms, offset_ms = (DAY_MS, 0) if unit == "day" else (WEEK_MS, FIRST_MONDAY_MS)
    groups = group_by(bars.timestamp, length_ms=length_ms, offset_ms=offset_ms)
    rows = np.arange(len(groups.start))
    ages = []
    for prices in (bars["high"], -bars["low"]):
        best = groups.so_far(prices, np.maximum.accumulate)
        at = np.maximum.accumulate(np.where(prices >= best, rows, 0))
        ages.append(np.where(np.isnan(best), np.nan, (rows - at) / (rows - groups.start + 1)))
    return ages[0], ages[1]


RECIPES = (
    Recipe(
        name="since_new_high",
        formula=_since_new_high,
        source="own choice: bars since the high went above all of the last",
        periods=(10, 20, 50, 100, 200),
        full_periods=(5, 400),
    ),
    Recipe(
        name="since_new_low",
        formula=_since_new_low,
        source="own choice: bars since the low went below all of the last",
        periods=(10, 20, 50, 100, 200),
        full_periods=(5, 400),
    ),
    Recipe(
        name="since_large_move",
        formula=_since_large_move,
        source="own choice: bars since a return beyond so many standard deviations",
        outputs=("up", "down"),
        periods=(2, 3),
        full_periods=(1, 4),
    ),
    Recipe(
        name="since_volume_spike",
        formula=_since_volume_spike,
        source="own choice: bars since a volume of so many times the mean",
        periods=(2, 4),
        full_periods=(3, 8),
    ),
    Recipe(
        name="since_mean_cross",
        formula=_since_mean_cross,
        source=OWN + "the close crossed its mean",
        width="full",
        outputs=("up", "down"),
        periods=(10, 20, 50, 100, 200),
    ),
    Recipe(
        name="since_turn",
        formula=_since_turn,
        source=OWN + "the return over some bars changed its sign",
        width="full",
        outputs=("up", "down"),
        periods=(5, 20, 50, 200),
    ),
    Recipe(
        name="since_rsi",
        formula=_since_rsi,
        source=OWN + "RSI(14) (Wilder 1978) was extreme",
        width="full",
        outputs=("high", "low"),
        periods=(15, 20, 25),
    ),
    Recipe(
        name="since_record",
        formula=_since_record,
        source=OWN + "the largest, and the smallest, value of the last",
        width="full",
        inputs=("log_volume", "log_range"),
        outputs=("largest", "smallest"),
        periods=(20, 100),
    ),
    Recipe(
        name="since_return_record",
        formula=_since_record,
        source=OWN + "the best, and the worst, return of the last",
        width="full",
        inputs=("log_return",),
        outputs=("best", "worst"),
        periods=(20, 50, 100, 200),
    ),
    Recipe(
        name="since_run",
        formula=_since_run,
        source=OWN + "so many closes in a row in one direction",
        width="full",
        outputs=("up", "down"),
        periods=(3, 4, 5),
    ),
    Recipe(
        name="since_quiet_volume",
        formula=_since_quiet_volume,
        source=OWN + "a volume of a fraction of the mean",
        width="full",
        periods=(2, 3),
    ),
    Recipe(
        name="since_band",
        formula=_since_band,
        source=OWN + "the close left its bands (Bollinger 2001)",
        width="full",
        outputs=("above", "below"),
        periods=(20, 50, 200),
    ),
    Recipe(
        name="since_engulfing",
        formula=_since_pattern,
        source=OWN + "an engulfing pattern (Nison 1991)",
        width="full",
        outputs=("up", "down"),
    ),
    *(
        Recipe(
            name=f"{unit}_extreme_age",
            formula=lambda b, x, p, unit=unit: _extreme_age(b, x, unit),
            source=f"own choice: how long ago this {unit} made its high and its low, as a share of it",
            width="full",
            outputs=("high", "low"),
        )
        for unit in ("day", "week")
    ),
)
