"""Candlestick columns of full width: how often patterns came lately, with which trend and volume, and what followed.

Patterns that come less than once in 300 bars on quarter-hours and hours are left to the plain pattern columns: their
frequency would be nearly always zero.
"""

import math
from collections.abc import Callable

import numpy as np
import talib

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import bars_since, change, highest, lag, log_ratio, lowest, mean, ratio, total
from fleetcast.features.tables.candlestick import pattern

BOTH_WAYS = (
    *("3inside", "3outside", "belthold", "closingmarubozu", "dojistar", "engulfing", "harami", "haramicross"),
    *("highwave", "hikkake", "longline", "marubozu", "separatinglines", "shortline", "spinningtop"),
)
ONE_WAY = (
    *("advanceblock", "doji", "dragonflydoji", "gravestonedoji", "hammer", "hangingman", "invertedhammer"),
    *("matchinglow", "shootingstar"),
)
FREQUENT = (*BOTH_WAYS, *ONE_WAY)
BY_BARS = {
    "one_bar": ("belthold", "closingmarubozu", "doji", "dragonflydoji", "gravestonedoji", "highwave", "longline"),
    "two_bars": ("engulfing", "harami", "haramicross", "dojistar", "separatinglines", "matchinglow", "piercing"),
    "three_bars": ("3inside", "3outside", "3whitesoldiers", "3blackcrows", "morningstar", "eveningstar", "hikkake"),
}
MERGED = ("belthold", "doji", "engulfing", "harami", "highwave", "hikkake", "longline", "marubozu", "3outside")
SIGNIFICANT_BITS = 36
BULKOWSKI = "Bulkowski 2008, Encyclopedia of Candlestick Charts"


def _found(bars: Inputs, name: str) -> Values:
    return bars.once(("pattern", name), lambda: np.sign(pattern(bars, f"CDL{name.upper()}")))


def _each(value: Callable[..., Values]) -> Callable[..., tuple[Values, ...]]:
    """A formula with one output a frequent pattern, from the pattern's signs."""
    return lambda b, x, p: tuple(value(b, _found(b, name), p) for name in FREQUENT)


def _ages(bars: Inputs, x: None, period: None) -> tuple[Values, ...]:
    """Bars since the pattern, the bullish and the bearish one apart."""
    both = (bars_since(_found(bars, name) * sign > 0) for name in BOTH_WAYS for sign in (1, -1))
    return (*both, *(bars_since(_found(bars, name) != 0) for name in ONE_WAY))


def _busy(bars: Inputs) -> Values:
    return bars.once("pattern_volume", lambda: log_ratio(bars["volume"], mean(bars["volume"], 50)))


def _trend(bars: Inputs) -> Values:
    """Change of the log price over the 20 bars before the last three, in units of its volatility."""
    unit = bars["return_std"] * math.sqrt(20)
    return bars.once("pattern_trend", lambda: ratio(lag(change(bars["log_close"], 20), 3), unit))


def _location(bars: Inputs) -> Values:
    """Where the close stands in the range of the last 50 bars, from -1 to 1."""
    return bars.once("pattern_location", lambda: _position(bars, 50))


def _position(bars: Inputs, period: int) -> Values:
    high, low = highest(bars["high"], period), lowest(bars["low"], period)
    return ratio(2 * bars["close"] - high - low, high - low)


def _followed(bars: Inputs, found: Values, period: tuple[int, int]) -> Values:
    """Mean move, in the pattern's direction and in ATR, over the bars after it, shrunk as by five patterns of none."""
    n_bars, window = period
    moved = bars.once(("moved", n_bars), lambda: _moved(bars, n_bars))
    earlier = lag(found, n_bars)
    return ratio(total(earlier * moved, window), total(np.abs(earlier), window) + 5.0)


def _moved(bars: Inputs, n_bars: int) -> Values:
    return ratio(change(bars["close"], n_bars), lag(bars["atr"], n_bars))


def _by_bars(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """For patterns of one, two and three bars: their mean sign, and how many there were."""
    outputs: list[Values] = []
    for names in BY_BARS.values():
        signs = [_found(bars, name) for name in names]
        outputs += [mean(np.sum(signs, axis=0), period), mean(np.sum(np.abs(signs), axis=0), period)]
    return tuple(outputs)


def _merged_pattern(bars: Inputs, name: str, n_bars: int) -> Values:
    """The sign of a pattern among candles of ``n_bars`` bars each, the last of which ends with this bar.

    TA-Lib compares a candle with sums that run over the candles before. Prices of 36 significant bits add up without
    an error, so that a candle that just equals the limit does not depend on where the sums began.
    """
    opened = lag(bars["open"], n_bars - 1)
    prices = (opened, highest(bars["high"], n_bars), lowest(bars["low"], n_bars), bars["close"])
    candles = bars.once(("candles", n_bars), lambda: [_rounded(price) for price in prices])
    find, found = getattr(talib, f"CDL{name.upper()}"), np.full(bars.bars.n_bars, np.nan)
    for phase in range(n_bars - 1, min(2 * n_bars - 1, len(found))):
        found[phase::n_bars] = find(*(np.ascontiguousarray(series[phase::n_bars]) for series in candles))
    return np.asarray(np.sign(found))


def _rounded(price: Values) -> Values:
    digits, exponent = np.frexp(price)
    return np.asarray(np.ldexp(np.rint(np.ldexp(digits, SIGNIFICANT_BITS)), exponent - SIGNIFICANT_BITS))


def _merged_each(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """How many of the candles that ended in the last bars were such patterns, with their signs."""
    return tuple(mean(_merged_found(bars, name, period), period) for name in MERGED)


def _merged_found(bars: Inputs, name: str, n_bars: int) -> Values:
    return bars.once(("merged_pattern", name, n_bars), lambda: _merged_pattern(bars, name, n_bars))


def _merged_balance(bars: Inputs, x: None, period: tuple[int, int]) -> tuple[Values, Values]:
    signs = [_merged_found(bars, name, period[0]) for name in MERGED if name != "doji"]
    return mean(np.sum(signs, axis=0), period[1]), mean(np.sum(np.abs(signs), axis=0), period[1])


RECIPES = (
    Recipe(
        name="pattern_share",
        formula=_each(lambda b, found, p: mean(found, p)),
        source="own choice: how often a pattern came lately, bullish minus bearish",
        outputs=FREQUENT,
        periods=(20, 100),
        width="full",
    ),
    Recipe(
        name="pattern_age",
        formula=_ages,
        source="own choice: age of the last such pattern, at most 500 bars",
        outputs=(*(f"{name}_{way}" for name in BOTH_WAYS for way in ("bullish", "bearish")), *ONE_WAY),
        width="full",
    ),
    Recipe(
        name="pattern_volume",
        formula=_each(lambda b, found, p: mean(found * _busy(b), p)),
        source=BULKOWSKI + ": a pattern on high volume counts for more",
        outputs=FREQUENT,
        periods=(50,),
        width="full",
    ),
    Recipe(
        name="pattern_trend",
        formula=_each(lambda b, found, p: mean(found * _trend(b), p)),
        source=BULKOWSKI + ": a pattern counts with the trend that leads to it",
        outputs=FREQUENT,
        periods=(50,),
        width="full",
    ),
    Recipe(
        name="pattern_location",
        formula=_each(lambda b, found, p: mean(found * _location(b), p)),
        source=BULKOWSKI + ": patterns near the yearly low or high do best; here of the last 50 bars",
        outputs=FREQUENT,
        periods=(50,),
        width="full",
    ),
    Recipe(
        name="pattern_followed",
        formula=_each(_followed),
        source="Caginalp and Laurent 1998, The Predictive Power of Price Patterns; moves in units of ATR(14)",
        outputs=FREQUENT,
        periods=((3, 400),),
        width="full",
    ),
    Recipe(
        name="pattern_group",
        formula=_by_bars,
        source="own choice: Nison's patterns by how many bars they take",
        outputs=tuple(f"{group}_{kind}" for group in BY_BARS for kind in ("net", "count")),
        periods=(5, 20, 100),
        width="full",
    ),
    Recipe(
        name="merged_pattern",
        formula=_merged_each,
        source="own choice: patterns of longer candles, formed anew at each bar",
        outputs=MERGED,
        periods=(4, 12, 24),
        width="full",
    ),
    Recipe(
        name="merged_balance",
        formula=_merged_balance,
        source="own choice: how many patterns of longer candles agree",
        outputs=("net", "count"),
        periods=((4, 4), (4, 48), (12, 12), (12, 100)),
        width="full",
    ),
)
