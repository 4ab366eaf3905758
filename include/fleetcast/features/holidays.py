"""Holidays and expiries as UTC days since the epoch: rules where they exist, a table where they do not."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

import numpy as np
import numpy.typing as npt

from fleetcast.features.columns import Values

YEARS = range(1990, 2051)
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
MONDAY, THURSDAY, FRIDAY = 0, 3, 4
# First day of the Chinese year. Source: Hong Kong Observatory, Gregorian-Lunar Calendar Conversion Table.
LUNAR_NEW_YEARS = (
    *("2000-02-05", "2001-01-24", "2002-02-12", "2003-02-01", "2004-01-22", "2005-02-09", "2006-01-29", "2007-02-18"),
    *("2008-02-07", "2009-01-26", "2010-02-14", "2011-02-03", "2012-01-23", "2013-02-10", "2014-01-31", "2015-02-19"),
    *("2016-02-08", "2017-01-28", "2018-02-16", "2019-02-05", "2020-01-25", "2021-02-12", "2022-02-01", "2023-01-22"),
    *("2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06", "2028-01-26", "2029-02-13", "2030-02-03", "2031-01-23"),
    *("2032-02-11", "2033-01-31", "2034-02-19", "2035-02-08"),
)
Rule = Callable[[int], date]


def fixed(month: int, day: int) -> Rule:
    """The same date every year."""
    return lambda year: date(year, month, day)


def nth_weekday(month: int, weekday: int, n: int) -> Rule:
    """The ``n``-th such weekday of a month, Monday being 0; the last one where ``n`` is 0."""

    def find(year: int) -> date:
        if n == 0:
            last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
            return last - timedelta(days=(last.weekday() - weekday) % 7)
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))

    return find


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar. Source: Meeus 1991, Astronomical Algorithms, chapter 8."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    correction = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * correction) // 451
    month, day = divmod(h + correction - 7 * m + 114, 31)
    return date(year, month, day + 1)


def after_easter(n_days: int) -> Rule:
    """So many days after Easter Sunday."""
    return lambda year: easter(year) + timedelta(days=n_days)


MONTHS = range(1, 13)
NEW_YEAR, CHRISTMAS, MAY_DAY, GOOD_FRIDAY = fixed(1, 1), fixed(12, 25), fixed(5, 1), after_easter(-2)
RULES: dict[str, tuple[Rule, ...]] = {
    # New York Stock Exchange, rule 7.2, without the days that replace one on a weekend
    "united_states": (
        *(NEW_YEAR, GOOD_FRIDAY, fixed(6, 19), fixed(7, 4), CHRISTMAS, nth_weekday(1, MONDAY, 3)),
        *(nth_weekday(2, MONDAY, 3), nth_weekday(5, MONDAY, 0), nth_weekday(9, MONDAY, 1)),
        nth_weekday(11, THURSDAY, 4),
    ),
    # T2, the euro area's payment system: its closing days
    "europe": (NEW_YEAR, GOOD_FRIDAY, after_easter(1), MAY_DAY, CHRISTMAS, fixed(12, 26)),
    # National holidays of China; the lunar new year comes from the table
    "china": (MAY_DAY, fixed(10, 1)),
    # Deribit and CME: monthly and quarterly options and futures expire on the last Friday
    "monthly_expiry": tuple(nth_weekday(month, FRIDAY, 0) for month in MONTHS),
    "quarterly_expiry": tuple(nth_weekday(month, FRIDAY, 0) for month in (3, 6, 9, 12)),
    # Options Clearing Corporation: listed equity options expire on the third Friday
    "equity_expiry": tuple(nth_weekday(month, FRIDAY, 3) for month in MONTHS),
    # Bureau of Labor Statistics: the employment situation appears on the first Friday, as a rule
    "employment_report": tuple(nth_weekday(month, FRIDAY, 1) for month in MONTHS),
}


@cache
def days_of(kind: str) -> npt.NDArray[np.int64]:
    """The days of one kind of `RULES`, sorted, in days since the epoch, over `YEARS`."""
    found = {rule(year) for rule in RULES[kind] for year in YEARS}
    if kind == "china":
        found |= {date.fromisoformat(day) for day in LUNAR_NEW_YEARS}
    return np.array(sorted(day.toordinal() - EPOCH_ORDINAL for day in found), dtype=np.int64)


def days_until_and_since(instant_days: Values, kind: str) -> tuple[Values, Values]:
    """Days to the next such day's beginning and since the last one's; NaN outside `YEARS`.

    Args:
        instant_days: days since the epoch with their fraction, ``(n_bars,)``.
        kind: of `RULES`.
    """
    days = days_of(kind).astype(np.float64)
    place = np.searchsorted(days, instant_days, side="right")
    known = (place > 0) & (place < len(days))
    until = days[np.minimum(place, len(days) - 1)] - instant_days
    since = instant_days - days[np.maximum(place - 1, 0)]
    return np.where(known, until, np.nan), np.where(known, since, np.nan)


def is_summer_time(instant_days: Values, *, first: Rule, last: Rule) -> npt.NDArray[np.bool_]:
    """Whether the instant lies between the days of its year on which clocks go forward and back.

    Args:
        instant_days: days since the epoch with their fraction, ``(n_bars,)``.
        first: the day on which clocks go forward.
        last: the day on which they go back.
    """
    bounds = [rule(year).toordinal() - EPOCH_ORDINAL for year in YEARS for rule in (first, last)]
    return np.asarray(np.searchsorted(np.array(bounds), instant_days, side="right") % 2 == 1)


SUNDAY = 6
SUMMER_TIME: dict[str, tuple[Rule, Rule]] = {
    "united_states": (nth_weekday(3, SUNDAY, 2), nth_weekday(11, SUNDAY, 1)),  # Energy Policy Act of 2005
    "europe": (nth_weekday(3, SUNDAY, 0), nth_weekday(10, SUNDAY, 0)),  # Directive 2000/84/EC
}
