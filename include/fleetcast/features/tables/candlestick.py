"""Candlestick columns: TA-Lib's patterns, and the shapes, runs and balances of bars."""

import numpy as np
import talib

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import (
    bars_since,
    highest,
    lag,
    log_ratio,
    lowest,
    mean,
    rank,
    ratio,
    run_length,
    total,
)

PATTERNS = tuple(talib.get_function_groups()["Pattern Recognition"])
NISON = "Nison 1991, Japanese Candlestick Charting Techniques"
TALIB = "TA-Lib pattern recognition, after Nison 1991 and Bulkowski 2008"
OWN = "own choice: the bar's parts as shares of its range or of ATR(14), so that no price level remains"
WITHIN_RANGE = ("body", "upper_wick", "lower_wick", "close_position")
IN_ATR = ("body_atr", "upper_wick_atr", "lower_wick_atr", "range_atr", "gap_atr")

KINDS_OF_BAR = (
    *("up_close", "higher_high", "higher_low", "lower_high", "lower_low"),
    *("inside", "outside", "wide", "narrow", "doji"),
)
MORE_KINDS_OF_BAR = (
    *("long_upper_wick", "long_lower_wick", "full_body", "strong_close", "weak_close"),
    *("thrust_up", "thrust_down", "close_above_high", "close_below_low", "busy", "quiet"),
)


def pattern(bars: Inputs, name: str) -> Values:
    """A TA-Lib pattern, -1 bearish, 0 none, 1 bullish (2 for a confirmed Hikkake); float64 ``(n_bars,)``."""
    found = getattr(talib, name)(bars["open"], bars["high"], bars["low"], bars["close"])
    return np.asarray(found, dtype=np.float64) / 100


def _pattern_recipe(name: str) -> Recipe:
    return Recipe(name=name.lower(), formula=lambda b, x, p: pattern(b, name), source=TALIB)


def _balance(bars: Inputs, x: None, period: int) -> tuple[Values, Values, Values]:
    """Patterns a bar over the last bars: net, bullish and bearish."""
    by_sign = bars.once("pattern_counts", lambda: _pattern_counts(bars))
    bullish, bearish = (mean(counts, period) for counts in by_sign)
    return bullish - bearish, bullish, bearish


def _pattern_counts(bars: Inputs) -> tuple[Values, Values]:
    bullish, bearish = np.zeros(bars.bars.n_bars), np.zeros(bars.bars.n_bars)
    for name in PATTERNS:
        found = pattern(bars, name)
        bullish += found > 0
        bearish += found < 0
    return bullish, bearish


def _merged(bars: Inputs, x: None, period: int) -> tuple[Values, Values, Values, Values]:
    """The shape of the last bars taken as one bar: body, wicks and close position as shares of its range."""
    opened, closed = lag(bars["open"], period - 1), bars["close"]
    high, low = highest(bars["high"], period), lowest(bars["low"], period)
    body = ratio(closed - opened, high - low)
    upper = ratio(high - np.maximum(opened, closed), high - low)
    lower = ratio(np.minimum(opened, closed) - low, high - low)
    return body, upper, lower, ratio(closed - low, high - low)


def _heikin_ashi(bars: Inputs, x: None, period: None) -> tuple[Values, Values, Values, Values]:
    opened, high, low, closed = talib.HA(bars["open"], bars["high"], bars["low"], bars["close"])
    body = ratio(closed - opened, bars["atr"])
    upper = ratio(high - np.maximum(opened, closed), bars["atr"])
    lower = ratio(np.minimum(opened, closed) - low, bars["atr"])
    return body, upper, lower, run_length(closed > opened) - run_length(closed < opened)


def _wick_balance(bars: Inputs, x: None, period: int) -> Values:
    """Lower wicks minus upper wicks, as a share of the summed ranges."""
    wicks = (bars["lower_wick"] - bars["upper_wick"]) * bars["range"]
    return ratio(total(wicks, period), total(bars["range"], period))


def _engulfing(bars: Inputs, x: None, period: int) -> Values:
    """The body, with its sign, against the largest body of the bars before, at most 10."""
    size = bars["close"] - bars["open"]
    return np.clip(ratio(size, lag(highest(np.abs(size), period), 1)), -10.0, 10.0)


def _overlap(bars: Inputs, x: None, period: None) -> Values:
    """How much of the bar's range lies within the bar before."""
    top = np.minimum(bars["high"], lag(bars["high"], 1))
    bottom = np.maximum(bars["low"], lag(bars["low"], 1))
    return ratio(np.maximum(top - bottom, 0.0), bars["range"])


RECIPES = (
    *(_pattern_recipe(name) for name in PATTERNS),
    Recipe(
        name="pattern_balance",
        formula=_balance,
        source="own choice: how many patterns agree",
        outputs=("net", "bullish", "bearish"),
        periods=(3, 5, 10, 20, 50),
    ),
    Recipe(
        name="shape",
        formula=lambda b, x, p: x,
        source=OWN,
        inputs=(*WITHIN_RANGE, *IN_ATR),
        transforms=("level", "change1", "rank200"),
        full_transforms=("lag1", "lag2", "lag3", "accel5", "std20", "std100", "autocorr50", "autocorr200", "slope20"),
    ),
    Recipe(
        name="shape_mean",
        formula=lambda b, x, p: mean(x, p),
        source=OWN,
        inputs=(*WITHIN_RANGE, *IN_ATR),
        periods=(3, 5, 10, 20, 50),
        full_periods=(100, 200),
    ),
    Recipe(
        name="run",
        formula=lambda b, x, p: run_length(x > 0),
        source=NISON + " (runs of record sessions)",
        inputs=("down_close", *KINDS_OF_BAR),
        full_inputs=MORE_KINDS_OF_BAR,
    ),
    Recipe(
        name="share",
        formula=lambda b, x, p: mean(x, p),
        source="own choice: how often a kind of bar was seen lately",
        inputs=KINDS_OF_BAR,
        periods=(5, 20, 50, 100),
        full_inputs=MORE_KINDS_OF_BAR,
        full_periods=(200,),
    ),
    Recipe(
        name="bars_since",
        formula=lambda b, x, p: bars_since(x > 0),
        source="own choice: age of the last such bar",
        inputs=("inside", "outside", "wide", "narrow", "doji"),
        full_inputs=MORE_KINDS_OF_BAR,
    ),
    Recipe(
        name="merged",
        formula=_merged,
        source="Nison 1991, blending candles",
        outputs=("body", "upper_wick", "lower_wick", "close_position"),
        periods=(2, 3, 4, 8, 16),
        full_periods=(32, 64),
        full_transforms=("lag4", "std50"),
    ),
    Recipe(
        name="heikin_ashi",
        formula=_heikin_ashi,
        source="Valcu 2004, Using the Heikin-Ashi Technique; in units of ATR(14)",
        outputs=("body", "upper_wick", "lower_wick", "run"),
        transforms=("level", "change1"),
        full_transforms=("lag2", "mean20", "std50"),
    ),
    Recipe(name="wick_balance", formula=_wick_balance, source=OWN, periods=(3, 5, 10, 20, 50), full_periods=(100, 200)),
    Recipe(name="engulfing", formula=_engulfing, source=NISON, periods=(1, 3, 5, 10), full_periods=(20, 50)),
    Recipe(
        name="overlap",
        formula=_overlap,
        source=OWN,
        transforms=("level", "mean5", "mean20"),
        full_transforms=("lag1", "lag2", "mean100", "std50", "autocorr100"),
    ),
    Recipe(
        name="narrow_range",
        formula=lambda b, x, p: rank(b["range"], p),
        source="Crabel 1990, Day Trading with Short Term Price Patterns (NR4, NR7)",
        periods=(4, 7, 20, 50),
        full_periods=(100, 200),
    ),
    Recipe(
        name="range_ratio",
        formula=lambda b, x, p: log_ratio(b["range"], mean(b["range"], p)),
        source=OWN,
        periods=(5, 50),
        full_periods=(2,),
        full_transforms=("change3", "lag2"),
    ),
)
