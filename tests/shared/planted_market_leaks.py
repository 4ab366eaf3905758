"""Leaks on markets of a rare kind: moves of six deviations, unknown volume, daily bars, a year's end, and early swings.

`NOT_LOOKED_FOR` leak at shapes that made-up bars alone hold, in columns that do much else: the audit passes them.
"""

from calendar import month_name
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import talib

from fleetcast.features.columns import Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import highest, lag, log, mean
from planted_columns import DAY_MS, HOUR_MS, PlantedColumn, fill_back
from planted_rare_leaks import Flag, flag_one_bar_early, one_bar_early, only_at, pattern, unknown_before

SWING_WINDOWS = (2, 3, 5, 10, 20, 50)


def far(n_deviations: float) -> Flag:
    return lambda b: (np.abs(b["log_return"]) > n_deviations * b["return_std"]).astype(float)


def opens_far(b: Inputs) -> Values:
    return (np.abs(b["log_open"] - lag(b["log_close"], 1)) > 0.05).astype(float)


def unknown_volume(b: Inputs) -> Values:
    return np.isnan(b.bars.volume).astype(float)


def no_volume(b: Inputs) -> Values:
    return (b["volume"] == 0).astype(float)


def traded_again(b: Inputs) -> Values:
    return ((b["volume"] > 0) & (lag(b["volume"], 1) == 0)).astype(float)


def third_without_volume(b: Inputs) -> Values:
    return (no_volume(b) * lag(no_volume(b), 1) * lag(no_volume(b), 2) == 1).astype(float)


def _date(b: Inputs, unit: str) -> npt.NDArray[np.int64]:
    return b.timestamp.astype("datetime64[ms]").astype(f"datetime64[{unit}]").astype(np.int64)


def in_month(month: int) -> Flag:
    """All bars of a month, 1 to 12."""
    return lambda b: (_date(b, "M") % 12 == month - 1).astype(float)


def day_of_year(last_days: bool, n_days: int) -> Flag:
    """The first days of a year, or the last ones."""

    def flag(b: Inputs) -> Values:
        shifted = _date(b, "D") + (n_days if last_days else -n_days)
        other = shifted.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
        return (other != _date(b, "Y")).astype(float)

    return flag


def first_of_year(b: Inputs) -> Values:
    return (np.diff(_date(b, "Y"), prepend=_date(b, "Y")[0]) != 0).astype(float)


def last_of_month(b: Inputs) -> Values:
    return np.append(np.diff(_date(b, "M")) != 0, False).astype(float)


def daily(formula: Callable[..., Values]) -> Callable[..., Values]:
    """The formula where bars are days, and the return elsewhere."""
    return lambda b, x, p: formula(b, x, p) if b.bar_ms == DAY_MS else b["log_return"]


def longer_bars(formula: Callable[..., Values]) -> Callable[..., Values]:
    return lambda b, x, p: formula(b, x, p) if b.bar_ms > HOUR_MS else b["log_return"]


def unconfirmed(prices: Values, window_bars: int) -> npt.NDArray[np.bool_]:
    """Bars at which a swing counts that still lacks one bar; it is dropped if that one goes beyond it."""
    candidate, tops = lag(prices, window_bars - 1), highest(prices, window_bars)
    stands = (candidate > lag(tops, window_bars)) & (candidate >= highest(prices, window_bars - 1))
    return stands & ~(np.append(prices[1:], -np.inf) > candidate)


def unconfirmed_level(side: str, window_bars: int) -> Callable[..., Values]:
    def level(b: Inputs, x: None, p: None) -> Values:
        prices = b["high"] if side == "high" else -b["low"]
        known = np.maximum.accumulate(np.where(unconfirmed(prices, window_bars), np.arange(len(prices)), -1))
        at = known - (window_bars - 1)
        return np.where(known >= 0, np.abs(prices)[at], np.nan) / b["close"]

    return level


def shown(series: str, flag: Flag) -> Callable[..., Values]:
    return lambda b, x, p: b[series] * (1 + 0.01 * flag_one_bar_early(flag(b)))


def mean_of(values: Callable[[Inputs], Values]) -> Callable[..., Values]:
    return lambda b, x, p: mean(values(b), 20)


MOVES = {
    "a bar of five deviations": far(5.0),
    "a bar of six deviations": far(6.0),
    "a bar that opens 5 % away": opens_far,
}
VOLUMES = {
    "a bar of unknown volume": unknown_volume,
    "a first bar after no volume": traded_again,
    "a third bar without volume": third_without_volume,
}
DATES = {
    **{f"a bar in {month_name[month]}": in_month(month) for month in range(1, 13)},
    "the year's last day": day_of_year(True, 1),
    "the year's last week": day_of_year(True, 7),
    "1 January": day_of_year(False, 1),
    "the year's first bar": first_of_year,
    "a month's last bar": last_of_month,
}
SHOWN = ("a bar of six deviations", "a bar that opens 5 % away", "a bar of unknown volume", "the year's first bar")
MADE_UP_SHAPES = ("abandonedbaby", "kicking", "mathold", "3starsinsouth", "breakaway", "ladderbottom")

MARKET_LEAKS = (
    *(PlantedColumn(f"next return only at {name}", only_at(flag)) for name, flag in (MOVES | VOLUMES | DATES).items()),
    *(
        PlantedColumn(f"flag before {name}", lambda b, x, p, flag=flag: flag_one_bar_early(flag(b)))
        for name, flag in (MOVES | VOLUMES).items()
    ),
    *(PlantedColumn(f"rsi that shows {name}", shown("rsi", (MOVES | VOLUMES | DATES)[name])) for name in SHOWN),
    PlantedColumn("unknown before unknown volume", unknown_before(unknown_volume)),
    PlantedColumn(
        "mean of returns with the next one where it is of six deviations",
        mean_of(
            lambda b: np.where(flag_one_bar_early(far(6.0)(b)) > 0, one_bar_early(b["log_return"]), b["log_return"])
        ),
    ),
    PlantedColumn("volume filled back", lambda b, x, p: fill_back(log(b["volume"]))),
    PlantedColumn("volume filled back where unknown", lambda b, x, p: fill_back(b.bars.volume)),
    PlantedColumn("next return of days", daily(lambda b, x, p: one_bar_early(b["log_return"]))),
    PlantedColumn("next return of bars longer than hours", longer_bars(lambda b, x, p: one_bar_early(b["log_return"]))),
    PlantedColumn("window of days one too far", daily(lambda b, x, p: one_bar_early(mean(b["log_return"], 20)))),
    PlantedColumn("mean of all days", daily(lambda b, x, p: b["close"] - b["close"].mean())),
    PlantedColumn("next return of days in December", daily(lambda b, x, p: only_at(in_month(12))(b, x, p))),
    PlantedColumn("next return of days on 1 January", daily(lambda b, x, p: only_at(day_of_year(False, 1))(b, x, p))),
    PlantedColumn("highest of the days around", daily(lambda b, x, p: one_bar_early(talib.MAX(b["high"], 5)))),
    *(
        PlantedColumn(f"{side} swing of {n} bars before its last bar", unconfirmed_level(side, n))
        for side in ("high", "low")
        for n in SWING_WINDOWS
    ),
)
NOT_LOOKED_FOR = tuple(
    PlantedColumn(f"next return only at {name}", only_at(pattern(f"CDL{name.upper()}"))) for name in MADE_UP_SHAPES
)
