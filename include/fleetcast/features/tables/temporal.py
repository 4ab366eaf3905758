"""Temporal columns: the clock, the calendar, sessions and holidays.

The clock is the same for every symbol; its columns stand under each symbol, so that a symbol's columns are complete,
and the screen keeps the first symbol's.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fleetcast.features.calendar_groups import DAY_MS, FIRST_MONDAY_MS, HOUR_MS, WEEK_MS
from fleetcast.features.columns import Recipe, Values
from fleetcast.features.holidays import RULES, SUMMER_TIME, days_until_and_since, is_summer_time
from fleetcast.features.inputs import Inputs

CLOCK = "own choice: the bar's close in UTC, which is when its values are known"
SESSIONS = {"asia": (0.0, 8.0), "europe": (7.0, 16.0), "america": (13.5, 20.0)}  # UTC hours, summer time ignored
FUNDING_HOURS = 8
FUTURES_CLOSE, FUTURES_OPEN = 4 * 24 + 22.0, 6 * 24 + 23.0  # UTC, hours since Monday; summer time ignored
SYNODIC_DAYS, NEW_MOON_DAY = 29.530588853, 10962.76  # mean length of a lunation; new moon of 2000-01-06 18:14 UTC
LOCAL_SESSIONS = {
    "new_york": ("united_states", 14.5, 21.0, "New York Stock Exchange, 9:30 to 16:00 local time"),
    "london": ("europe", 8.0, 16.5, "London Stock Exchange, 8:00 to 16:30 local time"),
}


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


def _days(bars: Inputs) -> Values:
    """Days since the epoch at the bar's close."""
    return (bars.timestamp + bars.bar_ms) / DAY_MS


def _year_day(bars: Inputs) -> Values:
    """Days since the first of January at the bar's close."""
    instant = (bars.timestamp + bars.bar_ms).astype("datetime64[ms]")
    year = instant.astype("datetime64[Y]").astype("datetime64[ms]")
    return np.asarray((instant - year).astype(np.int64) / DAY_MS)


def _to_month_end(bars: Inputs) -> Values:
    """Days to the first of the next month at the bar's close."""
    instant = (bars.timestamp + bars.bar_ms).astype("datetime64[ms]")
    following = (instant.astype("datetime64[M]") + 1).astype("datetime64[ms]")
    return np.asarray((following - instant).astype(np.int64) / DAY_MS)


def _turn_of_month(bars: Inputs) -> Values:
    return ((_to_month_end(bars) <= 1) | (_month_day(bars) <= 3)).astype(np.float64)


def _local_session(market: str, opens: float, closes: float) -> Callable[[Inputs, None, None], tuple[Values, Values]]:
    """Whether a market with summer time is open, Monday to Friday, and hours since it opened last, modulo a day."""

    def compute(bars: Inputs, x: None, period: None) -> tuple[Values, Values]:
        first, last = SUMMER_TIME[market]
        days = _days(bars) + (is_summer_time(_days(bars), first=first, last=last)) / 24
        hours = days % 1 * 24
        is_weekday = np.ceil(days - 4) % 7 <= 5  # the epoch was a Thursday; a bar belongs to the day in which it ends
        is_open = is_weekday & (hours > opens) & (hours <= closes)
        return is_open.astype(np.float64), (hours - opens) % 24

    return compute


def _is_weekday(number: int) -> Callable[[Inputs, None, None], Values]:
    """Whether the bar ends in this day of the week, Monday being 0."""
    return lambda bars, x, period: (np.ceil(_week_hours(bars) / 24) == number + 1).astype(np.float64)


def _closed_futures(bars: Inputs, x: None, period: None) -> tuple[Values, Values]:
    """Whether CME's futures pause over the weekend, and hours since they did, modulo a week."""
    hours = _week_hours(bars)
    is_closed = (hours > FUTURES_CLOSE) & (hours <= FUTURES_OPEN)
    return is_closed.astype(np.float64), (hours - FUTURES_CLOSE) % 168


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
    *(
        replace(_cyclic_recipe(name, days, length), width="full")
        for name, days, length in (
            ("year", _year_day, 365.25),
            ("half_year", _year_day, 182.625),
            ("quarter_year", _year_day, 91.3125),
            ("half_month", _month_day, 15.25),
            ("third_of_week", _week_hours, 56.0),
            ("quarter_of_day", _hours, 6.0),
        )
    ),
    Recipe(
        name="moon",
        formula=_cyclic(lambda bars: _days(bars) - NEW_MOON_DAY, SYNODIC_DAYS),
        source="Yuan, Zheng and Zhu 2006, Are Investors Moonstruck?; mean lunation from Meeus 1991",
        width="full",
        outputs=("sine", "cosine"),
    ),
    Recipe(name="to_month_end", formula=lambda b, x, p: _to_month_end(b), source=CLOCK, width="full"),
    Recipe(
        name="turn_of_month",
        formula=lambda b, x, p: _turn_of_month(b),
        source="Ariel 1987, A Monthly Effect in Stock Returns: the last day and the first three",
        width="full",
    ),
    *(
        Recipe(name=f"is_{name}", formula=_is_weekday(number), source=CLOCK, width="full")
        for number, name in ((1, "tuesday"), (2, "wednesday"), (3, "thursday"), (5, "saturday"))
    ),
    *(
        Recipe(
            name=f"session_{name}",
            formula=_local_session(market, opens, closes),
            source=f"{hours}, as UTC in winter",
            width="full",
            outputs=("is_open", "since_open"),
        )
        for name, (market, opens, closes, hours) in LOCAL_SESSIONS.items()
    ),
    Recipe(
        name="futures_pause",
        formula=_closed_futures,
        source="CME Group, Bitcoin futures: Friday 16:00 to Sunday 17:00 Central Time",
        width="full",
        outputs=("is_closed", "since_close"),
    ),
    *(
        Recipe(
            name=name,
            formula=lambda b, x, p, name=name: days_until_and_since(_days(b), name),
            source="days to the next and since the last of fleetcast.features.holidays, by rule or table",
            width="full",
            outputs=("until", "since"),
        )
        for name in RULES
    ),
)
