"""Temporal columns of seasons: what a symbol usually does at this hour, on this day of the week, and in a session."""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from fleetcast.features.calendar_groups import DAY_MS, FIRST_MONDAY_MS, HOUR_MS, WEEK_MS, group_by
from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import log_ratio, mean, ratio, std, total

SEASON_BARS = 1_950  # days and weeks beyond these are left out: a column must not depend on more than 2,000 bars
SEASONS = "Andersen and Bollerslev 1997, Intraday Periodicity and Volatility Persistence"
SIZES = ("abs_return", "volume", "log_range")
Reduce = Callable[[Values, int], Values]
Slots = npt.NDArray[np.int64]
NO_BARS = np.empty(0, np.int64)


def _bars_in(bars: Inputs, length_ms: int) -> int:
    return max(1, length_ms // bars.bar_ms)


def _at_slot(
    bars: Inputs, x: Values, slot: Slots, *, n_slots: int, slots_ahead: int, n_values: int, reduce: Reduce
) -> Values:
    """``reduce`` over the latest values in the slot so far ahead; NaN where they are too few or reach too far back."""
    found = np.full(len(x), np.nan)
    pasts = bars.once(("slots", n_slots), lambda: {int(one): np.flatnonzero(slot == one) for one in np.unique(slot)})
    for one, known in _reduced(bars, x, pasts, n_slots=n_slots, n_values=n_values, reduce=reduce).items():
        past, asking = pasts[one], pasts.get((one - slots_ahead) % n_slots, NO_BARS)
        n_past = np.searchsorted(past, asking, side="right")
        oldest = past[np.maximum(n_past - n_values, 0)]
        found[asking] = np.where(asking - oldest <= SEASON_BARS, known[n_past], np.nan)
    return found


def _reduced(
    bars: Inputs, x: Values, pasts: dict[int, Slots], *, n_slots: int, n_values: int, reduce: Reduce
) -> dict[int, Values]:
    """By slot ``reduce`` over its latest values after each number of them: made once for all hours ahead."""

    def compute() -> tuple[Values, dict[int, Values]]:
        return x, {  # x is held, so that no other array gets its id
            one: np.concatenate([[np.nan], reduce(x[past], n_values)])
            for one, past in pasts.items()
            if n_values and len(past) >= n_values
        }

    return bars.once(("seasons", id(x), n_slots, n_values, reduce), compute)[1]


def _at_hour(bars: Inputs, x: Values, period: tuple[int, int], *, reduce: Reduce) -> Values:
    """Over past days, at the hour that begins so many hours after this bar's."""
    n_days, hours_ahead = period
    hour = (bars.timestamp // HOUR_MS) % 24
    n_values = _n_days(bars, n_days) * _bars_in(bars, HOUR_MS)
    return _at_slot(bars, x, hour, n_slots=24, slots_ahead=hours_ahead, n_values=n_values, reduce=reduce)


def _at_hour_of_week(bars: Inputs, x: Values, period: tuple[int, int], *, reduce: Reduce) -> Values:
    """Over past weeks, at the hour of the week that begins so many hours after this bar's."""
    n_weeks, hours_ahead = period
    hour = ((bars.timestamp - FIRST_MONDAY_MS) // HOUR_MS) % 168
    n_values = _n_weeks(bars, n_weeks) * _bars_in(bars, HOUR_MS)
    return _at_slot(bars, x, hour, n_slots=168, slots_ahead=hours_ahead, n_values=n_values, reduce=reduce)


def _n_days(bars: Inputs, n_days: int) -> int:
    return min(n_days, SEASON_BARS // _bars_in(bars, DAY_MS))


def _n_weeks(bars: Inputs, n_weeks: int) -> int:
    return min(n_weeks, SEASON_BARS // _bars_in(bars, WEEK_MS))


def _seasonal(bars: Inputs, x: Values, period: tuple[int, int]) -> Values:
    """Mean of ``x`` over past days at that hour, against the mean of all."""
    usual = mean(x, _n_days(bars, period[0]) * _bars_in(bars, DAY_MS))
    return log_ratio(_at_hour(bars, x, period, reduce=mean), usual)


def _surprise(bars: Inputs, x: Values, period: int) -> Values:
    """The mean size of the last four bars, an hour of 15 minutes, against what this bar's hour led to expect."""
    usual = mean(x, _n_days(bars, period) * _bars_in(bars, DAY_MS))
    return log_ratio(mean(x, 4), usual) - _seasonal(bars, x, (period, 0))


def _weekly(bars: Inputs, x: Values, period: tuple[int, int]) -> Values:
    """Mean of ``x`` over past weeks at that hour of the week, against the mean of a week."""
    expected = _at_hour_of_week(bars, x, period, reduce=mean)
    return log_ratio(expected, mean(x, min(SEASON_BARS, _bars_in(bars, WEEK_MS))))


def _weekly_surprise(bars: Inputs, x: Values, period: int) -> Values:
    return log_ratio(mean(x, _bars_in(bars, HOUR_MS)), _at_hour_of_week(bars, x, (period, 0), reduce=mean))


def _significance(x: Values, n_values: int) -> Values:
    """Mean over its standard error."""
    return ratio(mean(x, n_values) * np.sqrt(n_values), std(x, n_values))


def _same_time(bars: Inputs, x: Values, period: int) -> Values:
    """The hour that followed this time some days ago, against the day that ended with it."""
    n_hour, n_day = _bars_in(bars, HOUR_MS), _bars_in(bars, DAY_MS)
    if period * n_day > SEASON_BARS:
        return np.full(len(x), np.nan)
    size = log_ratio(mean(x, n_hour), mean(x, n_day))
    return _some_days_ago(bars, size, period)


def _same_time_return(bars: Inputs, x: None, period: int) -> Values:
    """The return of the hour that followed this time some days ago, in units of its volatility."""
    n_hour = _bars_in(bars, HOUR_MS)
    if period * _bars_in(bars, DAY_MS) > SEASON_BARS:
        return np.full(bars.bars.n_bars, np.nan)
    moved = ratio(total(bars["log_return"], n_hour), bars["return_std"] * np.sqrt(n_hour))
    return _some_days_ago(bars, moved, period)


def _some_days_ago(bars: Inputs, x: Values, n_days: int) -> Values:
    """The value at the end of the hour that follows this time, some days ago; NaN where there was no such bar."""
    wanted = bars.timestamp + max(HOUR_MS, bars.bar_ms) - n_days * DAY_MS
    place = np.minimum(np.searchsorted(bars.timestamp, wanted), len(x) - 1)
    return np.where(bars.timestamp[place] == wanted, x[place], np.nan)


def _session(bars: Inputs, x: None, period: tuple[int, int]) -> tuple[Values, Values, Values]:
    """Move and volume since the session last opened, and the move of the last one that has closed."""
    opened, closed = (group_by(bars.timestamp, length_ms=DAY_MS, offset_ms=hour * HOUR_MS) for hour in period)
    rows = np.arange(bars.bars.n_bars)
    first = opened.opening(bars["log_open"])
    n_since = (rows - opened.start + 1).astype(np.float64)
    volume = ratio(opened.so_far(bars["volume"], np.cumsum), n_since)
    last_bar = np.maximum(closed.start - 1, 0)
    moved = np.where(closed.start > 0, bars["log_close"][last_bar] - first[last_bar], np.nan)
    moved = closed.remembered(moved, since=opened.start[last_bar])
    n_bars = np.sqrt(_bars_in(bars, (period[1] - period[0]) * HOUR_MS))
    return (
        ratio(bars["log_close"] - first, bars["return_std"] * np.sqrt(n_since)),
        log_ratio(volume, mean(bars["volume"], _bars_in(bars, DAY_MS))),
        ratio(moved, bars["return_std"] * n_bars),
    )


RECIPES = (
    Recipe(
        name="seasonal",
        formula=_seasonal,
        source=SEASONS + "; days and hours ahead",
        inputs=SIZES,
        periods=((5, 0), (5, 1), (10, 0), (10, 1), (10, 4), (20, 0), (20, 1)),
        full_periods=((10, 2), (20, 4), (20, 8), (20, 12)),
    ),
    Recipe(
        name="seasonal_surprise",
        formula=_surprise,
        source="Andersen and Bollerslev 1997: the last hour at 15 minutes against its season",
        inputs=SIZES,
        periods=(5, 10, 20),
        full_transforms=("change4",),
    ),
    Recipe(
        name="seasonal_return",
        formula=partial(_at_hour, reduce=_significance),
        source="Heston, Korajczyk and Sadka 2010, Intraday Patterns in the Cross-section of Stock Returns",
        width="full",
        inputs=("log_return", "body"),
        periods=((5, 1), (10, 1), (10, 4), (20, 0), (20, 1), (20, 2), (20, 4), (20, 8)),
    ),
    Recipe(
        name="weekly",
        formula=_weekly,
        source=SEASONS + "; weeks and hours ahead, fewer weeks where 8 are more than 1,950 bars",
        width="full",
        inputs=SIZES,
        periods=((8, 0), (8, 1), (8, 4), (8, 24)),
    ),
    Recipe(
        name="weekly_surprise",
        formula=_weekly_surprise,
        source=SEASONS + ": the last hour against the same of past weeks",
        width="full",
        inputs=SIZES,
        periods=(8,),
        transforms=("level", "mean8"),
    ),
    Recipe(
        name="weekly_return",
        formula=partial(_at_hour_of_week, reduce=_significance),
        source="Heston, Korajczyk and Sadka 2010, over past weeks at the hour of the week",
        width="full",
        inputs=("log_return",),
        periods=((8, 1), (8, 4), (8, 12), (8, 24)),
    ),
    Recipe(
        name="same_time",
        formula=_same_time,
        source="Heston, Korajczyk and Sadka 2010: the following hour some days ago",
        width="full",
        inputs=("volume", "log_range"),
        periods=(1, 2, 3, 7),
    ),
    Recipe(
        name="same_time_return",
        formula=_same_time_return,
        source="Heston, Korajczyk and Sadka 2010: the following hour's return some days ago",
        width="full",
        periods=(1, 2, 3, 5, 7),
    ),
    Recipe(
        name="session_move",
        formula=_session,
        source="own choice: the session between these hours of UTC, in units of volatility",
        width="full",
        outputs=("since_open", "volume", "last_session"),
        periods=((0, 8), (7, 16), (13, 20)),
    ),
)
