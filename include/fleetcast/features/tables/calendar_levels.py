"""Market structure columns of calendar levels: those of this day, week or session, and of the ones before."""

from functools import partial

import numpy as np

from fleetcast.features.calendar_groups import DAY_MS, FIRST_MONDAY_MS, HOUR_MS, WEEK_MS, CalendarGroups, group_by
from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import above, log_ratio, ratio

CALENDAR_OUTPUTS = ("high_before", "low_before", "close_before", "open", "weighted_price", "position", "width_ratio")
PIVOT_OUTPUTS = ("pivot", "resistance", "support", "body_before", "close_place_before", "inside")
UNITS = {"day": (DAY_MS, 0), "week": (WEEK_MS, FIRST_MONDAY_MS), "third_of_day": (8 * HOUR_MS, 0)}


def _groups(bars: Inputs, unit: str) -> CalendarGroups:
    length_ms, offset_ms = UNITS[unit]
    return bars.once(
        ("calendar_groups", unit), lambda: group_by(bars.timestamp, length_ms=length_ms, offset_ms=offset_ms)
    )


def _extremes(bars: Inputs, unit: str) -> tuple[Values, Values]:
    """Highest high and lowest low of this day or week so far."""
    groups = _groups(bars, unit)
    return bars.once(
        ("calendar_extremes", unit),
        lambda: (
            groups.so_far(bars["high"], np.maximum.accumulate),
            groups.so_far(bars["low"], np.minimum.accumulate),
        ),
    )


def _calendar(bars: Inputs, x: None, period: None, *, unit: str) -> tuple[Values, ...]:
    """Distances to the levels of this day or week so far, and of the one before."""
    groups = _groups(bars, unit)
    high, low = _extremes(bars, unit)
    traded = groups.so_far(bars["typical"] * bars["volume"], np.cumsum)
    price = ratio(traded, groups.so_far(bars["volume"], np.cumsum))
    before_high, before_low, before_close = (groups.before(v) for v in (high, low, bars["close"]))
    levels = (before_high, before_low, before_close, groups.opening(bars["open"]), price)
    return (
        *(bars.in_atr(bars["close"] - level) for level in levels),
        ratio(bars["close"] - low, high - low),
        log_ratio(high - low, before_high - before_low),
    )


def _pivots(bars: Inputs, x: None, period: None, *, unit: str) -> tuple[Values, ...]:
    """Distances to the pivots that follow from the day or week before, and that one's shape."""
    groups = _groups(bars, unit)
    high, low = (groups.before(v) for v in _extremes(bars, unit))
    opened, closed = groups.before(groups.opening(bars["open"])), groups.before(bars["close"])
    pivot = (high + low + closed) / 3
    levels = (pivot, 2 * pivot - low, 2 * pivot - high)
    now_high, now_low = _extremes(bars, unit)
    unknown = np.isnan(now_high) | np.isnan(high)
    inside = (now_high <= high) & (now_low >= low)
    return (
        *(bars.in_atr(bars["close"] - level) for level in levels),
        ratio(closed - opened, high - low),
        ratio(closed - low, high - low),
        np.where(unknown, np.nan, inside),
    )


def _days_before(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """Distances to the extremes of the last whole days, today's range against theirs, and how many rose."""
    groups = _groups(bars, "day")
    high, low = _extremes(bars, "day")
    rose = above(bars["close"], groups.opening(bars["open"]))
    days = range(1, period + 1)
    highs, lows, risen = (np.stack([groups.before(v, n_groups=n) for n in days]) for v in (high, low, rose))
    return (
        bars.in_atr(bars["close"] - highs.max(axis=0)),
        bars.in_atr(bars["close"] - lows.min(axis=0)),
        log_ratio(high - low, (highs - lows).mean(axis=0)),
        risen.mean(axis=0),
    )


def _opening_range(bars: Inputs, x: None, period: int) -> tuple[Values, Values, Values]:
    """Distances to the range of the day's first hours, as far as it is known, and its share of the day's range."""
    groups = _groups(bars, "day")
    early = bars.timestamp - bars.timestamp[groups.start] < period * HOUR_MS
    high = groups.so_far(np.where(early, bars["high"], -np.inf), np.maximum.accumulate)
    low = groups.so_far(np.where(early, bars["low"], np.inf), np.minimum.accumulate)
    day_high, day_low = _extremes(bars, "day")
    share = ratio(high - low, day_high - day_low)
    return bars.in_atr(bars["close"] - high), bars.in_atr(bars["close"] - low), share


RECIPES = (
    Recipe(
        name="day",
        formula=partial(_calendar, unit="day"),
        source="levels of the UTC day and of the one before, in units of ATR(14)",
        outputs=CALENDAR_OUTPUTS,
    ),
    Recipe(
        name="week",
        formula=partial(_calendar, unit="week"),
        source="levels of the week from Monday and of the one before, in units of ATR(14)",
        outputs=CALENDAR_OUTPUTS,
    ),
    Recipe(
        name="third_of_day",
        formula=partial(_calendar, unit="third_of_day"),
        source="levels between fundings of perpetual futures at 00, 08 and 16 UTC (Binance), in units of ATR(14)",
        width="full",
        outputs=CALENDAR_OUTPUTS,
    ),
    *(
        Recipe(
            name=f"{unit}_pivots",
            formula=partial(_pivots, unit=unit),
            source="floor traders' pivots (Person 2004), and the shape of what they follow from; in units of ATR(14)",
            width="full",
            outputs=PIVOT_OUTPUTS,
        )
        for unit in ("day", "week")
    ),
    Recipe(
        name="days_before",
        formula=_days_before,
        source="own choice: levels of the last whole UTC days, in units of ATR(14)",
        width="full",
        outputs=("high", "low", "width_ratio", "risen"),
        periods=(2, 3, 5, 10),
    ),
    Recipe(
        name="opening_range",
        formula=_opening_range,
        source="Crabel 1990, Day Trading with Short Term Price Patterns and Opening Range Breakout",
        width="full",
        outputs=("high", "low", "share"),
        periods=(1, 4),
    ),
)
