"""Temporal columns: the clock, sessions, and what a symbol usually does at this hour.

The clock is the same for every symbol; its columns stand under each symbol, so that a symbol's columns are complete,
and the screen keeps the first symbol's.
"""

from collections.abc import Callable

import numpy as np

from fleetcast.features.calendar_groups import DAY_MS, FIRST_MONDAY_MS, HOUR_MS, WEEK_MS
from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import bars_since, highest, lag, log_ratio, lowest, mean

CLOCK = "own choice: the bar's close in UTC, which is when its values are known"
SESSIONS = {"asia": (0.0, 8.0), "europe": (7.0, 16.0), "america": (13.5, 20.0)}  # UTC hours, summer time ignored
FUNDING_HOURS = 8


def _hours(bars: Inputs) -> Values:
    """Hours into the UTC day at the bar's close."""
    return ((bars.timestamp + bars.bar_ms) % DAY_MS) / HOUR_MS


def _week_hours(bars: Inputs) -> Values:
    """Hours since Monday 00:00 UTC at the bar's close."""
    return ((bars.timestamp + bars.bar_ms - FIRST_MONDAY_MS) % WEEK_MS) / HOUR_MS


def _month_day(bars: Inputs) -> Values:
    """Days since the first of the month at the bar's close."""
    instant = (bars.timestamp + bars.bar_ms).astype("datetime64[ms]")
    month = instant.astype("datetime64[M]").astype("datetime64[ms]")
    return np.asarray((instant - month).astype(np.int64) / DAY_MS)


def _cyclic(hours: Callable[[Inputs], Values], length: float) -> Callable[[Inputs, None, None], tuple[Values, Values]]:
    def compute(bars: Inputs, x: None, period: None) -> tuple[Values, Values]:
        angle = 2 * np.pi * hours(bars) / length
        return np.sin(angle), np.cos(angle)

    return compute


def _cyclic_recipe(name: str, hours: Callable[[Inputs], Values], length: float) -> Recipe:
    return Recipe(name=name, formula=_cyclic(hours, length), source=CLOCK, outputs=("sine", "cosine"))


def _session(opens: float, closes: float) -> Callable[[Inputs, None, None], tuple[Values, Values, Values]]:
    def compute(bars: Inputs, x: None, period: None) -> tuple[Values, Values, Values]:
        hours = _hours(bars)
        is_open = ((hours > opens) & (hours <= closes)).astype(np.float64)
        return is_open, (hours - opens) % 24, (closes - hours) % 24

    return compute


def _session_recipe(name: str, opens: float, closes: float) -> Recipe:
    source = f"own choice: the session from {opens:g} to {closes:g} UTC; hours since its open and to its close"
    outputs = ("is_open", "since_open", "to_close")
    return Recipe(name=f"session_{name}", formula=_session(opens, closes), source=source, outputs=outputs)


def _seasonal(bars: Inputs, x: Values, period: tuple[int, int]) -> Values:
    """Mean of ``x`` over past days at the hour that begins so many hours after this bar's, against the mean of all."""
    n_days, hours_ahead = period
    n_bars_an_hour = max(1, HOUR_MS // bars.bar_ms)
    hour = (bars.timestamp // HOUR_MS) % 24
    expected = np.full(len(x), np.nan)
    for wanted in range(24):
        past = np.flatnonzero(hour == wanted)
        asking = np.flatnonzero((hour + hours_ahead) % 24 == wanted)
        if len(past) and len(asking):
            known = np.concatenate([[np.nan], mean(x[past], n_days * n_bars_an_hour)])
            expected[asking] = known[np.searchsorted(past, asking, side="right")]
    return log_ratio(expected, mean(x, n_days * max(1, DAY_MS // bars.bar_ms)))


def _surprise(bars: Inputs, x: Values, period: int) -> Values:
    """The bar's own size against what its hour led to expect."""
    return log_ratio(mean(x, 4), mean(x, period * max(1, DAY_MS // bars.bar_ms))) - _seasonal(bars, x, (period, 0))


def _since_new_high(bars: Inputs, x: None, period: int) -> Values:
    return bars_since(bars["high"] > lag(highest(bars["high"], period), 1))


def _since_new_low(bars: Inputs, x: None, period: int) -> Values:
    return bars_since(bars["low"] < lag(lowest(bars["low"], period), 1))


def _since_large_move(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    size = bars["log_return"] / np.where(bars["return_std"] > 0, lag(bars["return_std"], 1), np.nan)
    return bars_since(size > period), bars_since(size < -period)


def _since_volume_spike(bars: Inputs, x: None, period: int) -> Values:
    return bars_since(bars["volume"] > period * lag(mean(bars["volume"], 50), 1))


RECIPES = (
    _cyclic_recipe("hour", _hours, 24.0),
    _cyclic_recipe("half_day", _hours, 12.0),
    _cyclic_recipe("third_of_day", _hours, float(FUNDING_HOURS)),
    _cyclic_recipe("weekday", _week_hours, 168.0),
    _cyclic_recipe("half_week", _week_hours, 84.0),
    _cyclic_recipe("within_hour", _hours, 1.0),
    _cyclic_recipe("month_day", _month_day, 30.5),
    *(_session_recipe(name, opens, closes) for name, (opens, closes) in SESSIONS.items()),
    Recipe(name="hour_of_week", formula=lambda b, x, p: _week_hours(b), source=CLOCK),
    Recipe(name="is_weekend", formula=lambda b, x, p: (_week_hours(b) > 120).astype(np.float64), source=CLOCK),
    Recipe(name="is_monday", formula=lambda b, x, p: (_week_hours(b) <= 24).astype(np.float64), source=CLOCK),
    Recipe(
        name="is_friday", formula=lambda b, x, p: (np.abs(_week_hours(b) - 108) <= 12).astype(np.float64), source=CLOCK
    ),
    Recipe(name="day_of_month", formula=lambda b, x, p: np.floor(_month_day(b)), source=CLOCK),
    Recipe(
        name="to_funding",
        formula=lambda b, x, p: -_hours(b) % FUNDING_HOURS,
        source="hours to the next funding of perpetual futures at 00, 08 and 16 UTC (Binance)",
    ),
    Recipe(
        name="seasonal",
        formula=_seasonal,
        source="Andersen and Bollerslev 1997, Intraday Periodicity and Volatility Persistence; days and hours ahead",
        inputs=("abs_return", "volume", "log_range"),
        periods=((5, 0), (5, 1), (10, 0), (10, 1), (10, 4), (20, 0), (20, 1)),
    ),
    Recipe(
        name="seasonal_surprise",
        formula=_surprise,
        source="Andersen and Bollerslev 1997: the last hour at 15 minutes against its season",
        inputs=("abs_return", "volume", "log_range"),
        periods=(5, 10, 20),
    ),
    Recipe(
        name="since_new_high",
        formula=_since_new_high,
        source="own choice: bars since the high went above all of the last",
        periods=(10, 20, 50, 100, 200),
    ),
    Recipe(
        name="since_new_low",
        formula=_since_new_low,
        source="own choice: bars since the low went below all of the last",
        periods=(10, 20, 50, 100, 200),
    ),
    Recipe(
        name="since_large_move",
        formula=_since_large_move,
        source="own choice: bars since a return beyond so many standard deviations",
        outputs=("up", "down"),
        periods=(2, 3),
    ),
    Recipe(
        name="since_volume_spike",
        formula=_since_volume_spike,
        source="own choice: bars since a volume of so many times the mean",
        periods=(2, 4),
    ),
)
