"""Columns that rarely know what they must not: flags one bar early, and leaks at bars of a rare kind alone.

Where no next bar is known they say what an honest column would: a cut is noticed at the event and nowhere else.
"""

from collections.abc import Callable

import numpy as np
import talib

from fleetcast.features.columns import Values
from fleetcast.features.confirmed_swings import confirmed_swings
from fleetcast.features.inputs import AlignedInputs, Inputs
from fleetcast.features.rolling import bars_since, lag, mean
from planted_columns import DAY_MS, HOUR_MS, PlantedColumn

Flag = Callable[[Inputs], Values]


def one_bar_early(values: Values) -> Values:
    """The next bar's value; the own one at the last bar, whose next one nobody knows."""
    return np.append(values[1:], values[-1:])


def flag_one_bar_early(flags: Values) -> Values:
    """Whether the next bar is one of them; not so at the last bar."""
    return np.append(flags[1:] != 0, False) * flags.max(initial=1.0)


def pattern(name: str) -> Flag:
    return lambda b: np.abs(getattr(talib, name)(b["open"], b["high"], b["low"], b["close"])).astype(float)


def swing(side: str, window_bars: int) -> Flag:
    return lambda b: confirmed_swings(b, side, window_bars=window_bars).confirmed.astype(float)


def crosses(series: Callable[[Inputs], Values], level: float) -> Flag:
    """Goes above the level."""
    return lambda b: ((series(b) > level) & (lag(series(b), 1) <= level)).astype(float)


def begins(length_ms: int, offset_ms: int = 0) -> Flag:
    return lambda b: ((b.timestamp - offset_ms) % length_ms == 0).astype(float)


def first_of_month(b: Inputs) -> Values:
    months = (b.timestamp * 1_000_000).astype("datetime64[ns]").astype("datetime64[M]").astype(int)
    return (np.diff(months, prepend=months[0]) != 0).astype(float)


FLAGS: dict[str, Flag] = {
    **{f"{name[3:].lower()} pattern": pattern(name) for name in talib.get_function_groups()["Pattern Recognition"]},
    **{f"{side} swing of {n} bars": swing(side, n) for side in ("high", "low") for n in (2, 3, 5, 10, 20, 50)},
    "day's first bar": begins(DAY_MS),
    "week's first bar": begins(7 * DAY_MS, 4 * DAY_MS),
    "month's first bar": first_of_month,
    "funding bar": begins(8 * HOUR_MS),
    "session's first bar": begins(DAY_MS, 13 * HOUR_MS),
    "bar without volume": lambda b: (b["volume"] == 0).astype(float),
    "bar that closes where it opened": lambda b: (b["close"] == b["open"]).astype(float),
    "bar that opens apart": lambda b: (np.abs(b["gap_atr"]) > 0.5).astype(float),
    "bar of four ranges": lambda b: (b["range_atr"] > 4).astype(float),
    "outside bar of much volume": lambda b: ((b["outside"] > 0) & (b["volume"] > 3 * mean(b["volume"], 50))) * 1.0,
    "highest of 500 bars": lambda b: (b["high"] >= talib.MAX(b["high"], 500)).astype(float),
    "lowest of 1000 bars": lambda b: (b["low"] <= talib.MIN(b["low"], 1000)).astype(float),
    "RSI goes above 80": crosses(lambda b: b["rsi"], 80.0),
    "RSI falls below 15": crosses(lambda b: -b["rsi"], -15.0),
    "MACD crosses its signal": crosses(lambda b: talib.MACD(b["close"])[2], 0.0),
    "close crosses a mean of 200": crosses(lambda b: b["close"] - mean(b["close"], 200), 0.0),
    "golden cross": crosses(lambda b: mean(b["close"], 50) - mean(b["close"], 200), 0.0),
    "ADX goes above 60": crosses(lambda b: talib.ADX(b["high"], b["low"], b["close"], 14), 60.0),
    "close beyond three deviations": crosses(lambda b: b["close"] - talib.BBANDS(b["close"], 20, 3, 3)[0], 0.0),
    "squeeze ends": crosses(lambda b: b["return_std"] - 3 * lag(b["return_std"], 20), 0.0),
}


def age_one_bar_early(flags: Values) -> Values:
    """Bars since the last one, which knows of the next one; it goes on counting where no next bar is known."""
    age = bars_since(flags != 0)
    return np.append(np.where(flags[1:] != 0, 0.0, age[:-1] + 1), age[-1:] + 1)


def shown_in(series: str, flag: Flag, size: float) -> Callable[..., Values]:
    """A series that is a little larger before a bar of a kind."""
    return lambda b, x, p: b[series] * (1 + size * flag_one_bar_early(flag(b)))


def only_at(flag: Flag) -> Callable[..., Values]:
    """The bar's return, and the next one's at bars of a kind."""
    return lambda b, x, p: np.where(flag(b) != 0, one_bar_early(b["log_return"]), b["log_return"])


def missing_one_bar_early(own: Inputs, other: AlignedInputs, period: None) -> Values:
    return np.append(np.isnan(other["close"])[1:], False) * 1.0


def others_flag_one_bar_early(own: Inputs, other: AlignedInputs, period: None) -> Values:
    falls = np.nan_to_num(other["range_atr"]) > 4
    return flag_one_bar_early(falls * 1.0)


def unknown_before(flag: Flag) -> Callable[..., Values]:
    return lambda b, x, p: np.where(flag_one_bar_early(flag(b)) != 0, np.nan, b["rsi"])


def _by_chance(b: Inputs) -> Values:
    """A number from 0 to 1 for each bar, from its timestamp."""
    return (b.timestamp // b.bar_ms * 2_654_435_761 % 2**32) / 2**32


def swing_before_it_is_confirmed(b: Inputs) -> Values:
    """Distance to the last swing of 20 bars, which is known one bar before the last bar that confirms it."""
    swings = confirmed_swings(b, "high", window_bars=20)
    level = np.where(flag_one_bar_early(swings.confirmed * 1.0) != 0, one_bar_early(swings.level), swings.level)
    return b["log_close"] - np.log(level)


RARE_LEAKS = (
    *(
        PlantedColumn(f"next bar's {name}", lambda b, x, p, flag=flag: flag_one_bar_early(flag(b)))
        for name, flag in FLAGS.items()
    ),
    *(
        PlantedColumn(f"age that knows the next {name}", lambda b, x, p, flag=FLAGS[name]: age_one_bar_early(flag(b)))
        for name in ("hammer pattern", "low swing of 50 bars", "RSI goes above 80", "week's first bar")
    ),
    *(
        PlantedColumn(f"{series} that shows the next {name}", shown_in(series, FLAGS[name], 0.01))
        for series, name in (
            ("rsi", "bar without volume"),
            ("rsi", "bar that opens apart"),
            ("log_range", "high swing of 50 bars"),
            ("log_volume", "week's first bar"),
            ("close", "bar of four ranges"),
        )
    ),
    *(
        PlantedColumn(f"next return only at the {name}", only_at(FLAGS[name]))
        for name in (
            *("bar that opens apart", "day's first bar", "week's first bar", "funding bar", "bar without volume"),
            *("low swing of 20 bars", "bar of four ranges", "bar that closes where it opened", "month's first bar"),
            *("hammer pattern", "engulfing pattern"),
        )
    ),
    PlantedColumn("unknown before a bar without volume", unknown_before(FLAGS["bar without volume"])),
    PlantedColumn("pattern two bars early", lambda b, x, p: np.append(pattern("CDLHAMMER")(b)[2:], [0.0, 0.0])),
    PlantedColumn("next return on Sundays alone", only_at(lambda b: (b.timestamp // DAY_MS + 3) % 7 == 6)),
    PlantedColumn("next return when overbought", only_at(lambda b: np.nan_to_num(b["rsi"]) > 80)),
    PlantedColumn("next return at some bars in 20", only_at(lambda b: _by_chance(b) < 0.05)),
    PlantedColumn("next return at some bars in 100", only_at(lambda b: _by_chance(b) < 0.01)),
    PlantedColumn("swing before it is confirmed", lambda b, x, p: swing_before_it_is_confirmed(b)),
    PlantedColumn("other symbol's next bar is missing", missing_one_bar_early, "pair"),
    PlantedColumn("other symbol's next bar moves far", others_flag_one_bar_early, "pair"),
)
