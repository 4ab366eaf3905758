"""Technical columns of how momentum changes: its acceleration, its age at known levels, and what disagrees with it."""

import math
from collections.abc import Callable

import numpy as np
import talib

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    above,
    change,
    correlation,
    highest,
    lag,
    log_ratio,
    lowest,
    mean,
    mean_where,
    rank,
    ratio,
    side,
    streak,
    total,
)

RSI_DIGITS = 6  # while the price rests RSI moves by rounding alone, which must make no rank and no high
LEVELS: dict[str, tuple[Callable[[Inputs], Values], float]] = {
    "rsi7_70": (lambda b: talib.RSI(b["close"], 7), 70.0),
    "rsi7_30": (lambda b: talib.RSI(b["close"], 7), 30.0),
    "rsi14_50": (lambda b: b["rsi"], 50.0),
    "rsi14_70": (lambda b: b["rsi"], 70.0),
    "rsi14_30": (lambda b: b["rsi"], 30.0),
    "rsi56_50": (lambda b: talib.RSI(b["close"], 56), 50.0),
    "cci14_100": (lambda b: talib.CCI(b["high"], b["low"], b["close"], 14), 100.0),
    "cci14_minus_100": (lambda b: talib.CCI(b["high"], b["low"], b["close"], 14), -100.0),
    "cci56_100": (lambda b: talib.CCI(b["high"], b["low"], b["close"], 56), 100.0),
    "cci56_minus_100": (lambda b: talib.CCI(b["high"], b["low"], b["close"], 56), -100.0),
    "mfi14_80": (lambda b: talib.MFI(b["high"], b["low"], b["close"], b["volume"], 14), 80.0),
    "mfi14_20": (lambda b: talib.MFI(b["high"], b["low"], b["close"], b["volume"], 14), 20.0),
    "adx14_20": (lambda b: talib.ADX(b["high"], b["low"], b["close"], 14), 20.0),
    "adx14_40": (lambda b: talib.ADX(b["high"], b["low"], b["close"], 14), 40.0),
    "adx56_20": (lambda b: talib.ADX(b["high"], b["low"], b["close"], 56), 20.0),
    "tsi_0": (lambda b: talib.TSI(b["close"], 25, 13), 0.0),
    "trix15_0": (lambda b: talib.TRIX(b["close"], 15), 0.0),
    "vortex14_1": (lambda b: ratio(*talib.VORTEX(b["high"], b["low"], b["close"], 14)), 1.0),
}


def _level_runs(bars: Inputs, x: None, period: None) -> tuple[Values, ...]:
    """Bars in a row above (+) or below (-) each level of `LEVELS`."""
    every = np.full(bars.bars.n_bars, 100.0)  # oscillators are of this size: less than 1e-7 beside a level is rounding
    return tuple(streak(side(line(bars), np.full_like(every, at), size=every)) for line, at in LEVELS.values())


def _in_volatility(bars: Inputs, moved: Values, period: int) -> Values:
    return ratio(moved, bars["return_std"] * math.sqrt(period))


def _acceleration(bars: Inputs, x: None, period: int) -> Values:
    earlier = lag(change(bars["log_close"], period), period)
    return _in_volatility(bars, change(bars["log_close"], period) - earlier, 2 * period)


def _skipping(bars: Inputs, x: None, period: int) -> Values:
    """The return over the period without its last fifth."""
    recent = period // 5
    return _in_volatility(bars, lag(change(bars["log_close"], period - recent), recent), period)


def _discreteness(bars: Inputs, x: None, period: int) -> Values:
    """Whether the move came in many small steps (negative) or few large ones."""
    steps = mean(bars["down_close"] - bars["up_close"], period)
    return steps * np.sign(change(bars["close"], period))


def _gain_to_loss(bars: Inputs, x: Values, period: int) -> Values:
    """Mean size on rising bars over mean size on falling ones, in logs."""
    return log_ratio(mean_where(x, bars["up_close"], period), mean_where(x, bars["down_close"], period))


def _random_walk(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """How far the high, and the low, went beyond what a random walk of such ranges does in the period."""
    expected = lag(mean(bars["true_range"], period), 1) * math.sqrt(period)
    up, down = bars["high"] - lag(bars["low"], period), lag(bars["high"], period) - bars["low"]
    return ratio(up, expected), ratio(down, expected)


def _demarker(bars: Inputs, x: None, period: int) -> Values:
    up = np.maximum(change(bars["high"], 1), 0.0)
    down = np.maximum(-change(bars["low"], 1), 0.0)
    return ratio(total(up, period), total(up, period) + total(down, period))


def _symmetric(x: Values) -> Values:
    """Four bars' average with the weights 1, 2, 2, 1."""
    return (x + 2 * lag(x, 1) + 2 * lag(x, 2) + lag(x, 3)) / 6


def _vigor(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    body, size = _symmetric(bars["close"] - bars["open"]), _symmetric(bars["range"])
    line = ratio(mean(body, period), mean(size, period))
    return line, line - _symmetric(line)


def _fisher(bars: Inputs, x: None, period: int) -> Values:
    """Fisher's transform of the smoothed place of the middle price in its range."""
    middle = (bars["high"] + bars["low"]) / 2
    top, bottom = highest(middle, period), lowest(middle, period)
    place = mean(2 * ratio(middle - bottom, top - bottom) - 1, 5)
    return np.asarray(np.arctanh(np.clip(place, -0.999, 0.999)))


def _streak_strength(bars: Inputs, x: None, period: int) -> Values:
    """RSI of how many closes in a row rose or fell, as in Connors RSI."""
    close = bars["close"]
    in_a_row = bars.once("close_streak", lambda: streak(side(close, lag(close, 1), size=close)))
    return np.asarray(talib.RSI(in_a_row, period))


def _know_sure_thing(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    """Four smoothed returns, weighted 1 to 4, in units of volatility; and its distance from its mean of nine."""
    line = np.zeros(bars.bars.n_bars)
    for weight, length, smooth in ((1, 10, 10), (2, 15, 10), (3, 20, 10), (4, 30, 15)):
        line = line + weight * mean(change(bars["log_close"], length * period), smooth * period)
    line = _in_volatility(bars, line, 30 * period)
    return line, line - mean(line, 9 * period)


def _rank_divergence(bars: Inputs, x: Values, period: int) -> Values:
    return rank(bars["close"], period) - rank(x, period)


def _rsi_rank_divergence(bars: Inputs, x: Values, period: int) -> Values:
    return _rank_divergence(bars, np.round(x, RSI_DIGITS), period)


def _new_high_share(bars: Inputs, x: None, period: tuple[int, int]) -> Values:
    """Share of bars whose RSI made a high of the period while the price did not, minus the same for lows."""
    price, line = bars["close"], np.round(bars["rsi"], RSI_DIGITS)
    top = above(line, lag(highest(line, period[0]), 1)) - above(price, lag(highest(price, period[0]), 1))
    bottom = above(lag(lowest(line, period[0]), 1), line) - above(lag(lowest(price, period[0]), 1), price)
    return mean(top - bottom, period[1])


def _plain(name: str, formula: Callable[..., object], source: str, periods: tuple[int, ...]) -> Recipe:
    return Recipe(name=name, formula=formula, source=source, periods=periods, width="full")


RECIPES = (
    Recipe(
        name="divergence",
        formula=lambda b, x, p: correlation(b["log_close"], x, p),
        source="Wilder 1978 on divergence, here as the correlation of price and indicator",
        inputs=("rsi", "obv", "log_volume", "log_range"),
        periods=(20, 50, 100),
        full_inputs=("close_position", "body_atr", "upper_wick_atr", "lower_wick_atr", "signed_volume", "atr"),
        full_periods=(200,),
    ),
    Recipe(
        name="level_run",
        formula=_level_runs,
        source="own choice: how long an oscillator has stood beyond the level that its author watches",
        outputs=tuple(LEVELS),
        width="full",
    ),
    _plain("acceleration", _acceleration, "own choice: change of momentum", (2, 4, 8, 16, 32, 64, 128)),
    _plain("skipping_momentum", _skipping, "Jegadeesh and Titman 1993, momentum without the last part", (25, 100, 300)),
    _plain("discreteness", _discreteness, "Da, Gurun and Warachka 2014, Frog in the Pan", (10, 20, 50, 100, 200)),
    Recipe(
        name="gain_to_loss",
        formula=_gain_to_loss,
        source="own choice: the size part of Wilder's RSI without its frequency part",
        inputs=("abs_return", "range", "volume"),
        periods=(10, 50, 200),
        width="full",
    ),
    Recipe(
        name="random_walk",
        formula=_random_walk,
        source="Poulos 1991, Random Walk Index",
        outputs=("high", "low"),
        periods=(4, 16, 64),
        transforms=("level", "change5"),
        width="full",
    ),
    _plain("demarker", _demarker, "DeMark 1994, DeMarker", (5, 34)),
    Recipe(
        name="vigor",
        formula=_vigor,
        source="Ehlers 2002, Relative Vigor Index",
        outputs=("line", "signal"),
        periods=(4, 30),
        width="full",
    ),
    Recipe(
        name="fisher",
        formula=_fisher,
        source="Ehlers 2002, Using the Fisher Transform",
        periods=(10, 30, 90),
        transforms=("level", "change3", "run50"),
        width="full",
    ),
    _plain("streak_strength", _streak_strength, "Connors and Alvarez 2009, RSI of the streak", (2, 14)),
    Recipe(
        name="know_sure_thing",
        formula=_know_sure_thing,
        source="Pring 1992, KST; of log returns in units of volatility",
        outputs=("line", "signal"),
        periods=(1, 3),
        transforms=("level", "change5"),
        width="full",
    ),
    *(
        Recipe(
            name="rank_divergence",
            formula=formula,
            source="Wilder 1978 on divergence, here as a difference of ranks",
            inputs=inputs,
            periods=(20, 50, 200),
            width="full",
        )
        for formula, inputs in ((_rsi_rank_divergence, ("rsi",)), (_rank_divergence, ("obv", "log_volume")))
    ),
    Recipe(
        name="new_high_divergence",
        formula=_new_high_share,
        source="Wilder 1978 on divergence, here as highs and lows that price and RSI do not share",
        periods=((10, 20), (20, 50), (50, 100)),
        width="full",
    ),
)
