"""Technical columns of momentum: returns, oscillators and trend strength, none of which keeps a price level."""

import math
from typing import Any

import numpy as np
import talib

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import change, change_in_percent, lag, mean, ratio

WILDER = "Wilder 1978, New Concepts in Technical Trading Systems"


def _hlc(bars: Inputs) -> tuple[Values, Values, Values]:
    return bars["high"], bars["low"], bars["close"]


def _scaled_return(bars: Inputs, x: None, period: int) -> Values:
    """Log return over the period in units of its expected size, from the last 50 returns."""
    return ratio(change(bars["log_close"], period), bars["return_std"] * math.sqrt(period))


def _directional(bars: Inputs, x: None, period: int) -> tuple[Values, Values, Values]:
    plus, minus = talib.PLUS_DI(*_hlc(bars), period), talib.MINUS_DI(*_hlc(bars), period)
    return plus, minus, ratio(plus - minus, plus + minus)


def _macd(bars: Inputs, x: None, period: tuple[int, int, int]) -> tuple[Values, Values]:
    line, _, histogram = talib.MACD(bars["close"], *period)
    return bars.in_atr(line), bars.in_atr(histogram)


def _stochastic(bars: Inputs, x: None, period: int) -> tuple[Any, ...]:
    return tuple(talib.STOCHF(*_hlc(bars), period, 3, 0))


def _smi(bars: Inputs, x: None, period: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(talib.SMI(*_hlc(bars), *period))


def _vortex(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    plus, minus = talib.VORTEX(*_hlc(bars), period)
    return plus - minus, plus + minus


def _elder(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    bull, bear = talib.ERI(*_hlc(bars), period)
    return bars.in_atr(bull), bars.in_atr(bear)


def _awesome(bars: Inputs, x: None, period: tuple[int, int]) -> tuple[Values, Values]:
    line = talib.AO(bars["high"], bars["low"], *period)
    return bars.in_atr(line), bars.in_atr(line - mean(line, 5))


def _efficiency(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    size = np.asarray(talib.ER(bars["close"], period))
    return size, size * np.sign(change(bars["close"], period))


RECIPES = (
    Recipe(
        name="momentum",
        formula=_scaled_return,
        source="Moskowitz, Ooi and Pedersen 2012, Time Series Momentum (returns over their own volatility)",
        periods=(1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 200, 300, 400),
        full_transforms=("crossings100",),
    ),
    Recipe(
        name="log_return",
        formula=lambda b, x, p: change(b["log_close"], p),
        source="own choice: the plain return beside the scaled one",
        periods=(1, 5, 20, 100),
        transforms=("level", "rank200"),
    ),
    Recipe(
        name="lagged_return",
        formula=lambda b, x, p: lag(_scaled_return(b, None, 1), p),
        source="own choice: the path of the last bars, and the same bar a day ago at 15 minutes",
        periods=(1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 48, 96),
    ),
    Recipe(
        name="rsi",
        formula=lambda b, x, p: talib.RSI(x, p),
        source=WILDER + ", RSI",
        inputs=("close",),
        periods=(3, 7, 14, 28, 56),
        transforms=("level", "change3"),
        full_transforms=("highage50", "lowage50", "crossings100"),
    ),
    Recipe(
        name="rsi",
        formula=lambda b, x, p: talib.RSI(x, p),
        source=WILDER + ", RSI, here of volume, range and on-balance volume",
        inputs=("volume", "range", "obv"),
        periods=(7, 14, 28),
    ),
    Recipe(
        name="cmo_unsmoothed",
        formula=lambda b, x, p: talib.CMOU(x, p),
        source="Chande and Kroll 1994, The New Technical Trader, CMO",
        inputs=("close", "volume"),
        periods=(5, 14, 28, 56),
        full_transforms=("change5",),
    ),
    Recipe(
        name="stochastic",
        formula=_stochastic,
        source="Lane 1984, Lane's Stochastics",
        outputs=("k", "d"),
        periods=(9, 14, 28, 56),
        full_periods=(100,),
        full_transforms=("crossings100",),
    ),
    Recipe(
        name="stochastic_rsi",
        formula=lambda b, x, p: talib.STOCHRSI(x, p[0], p[1], 3, 0),
        source="Chande and Kroll 1994, Stochastic RSI",
        inputs=("close",),
        outputs=("k", "d"),
        periods=((14, 5), (14, 14), (28, 14), (56, 28)),
        full_inputs=("volume",),
    ),
    Recipe(
        name="smi",
        formula=_smi,
        source="Blau 1995, Momentum, Direction and Divergence, stochastic momentum index",
        outputs=("line", "signal"),
        periods=((13, 2, 25, 9), (5, 2, 9, 3), (40, 5, 50, 9)),
        full_transforms=("change5",),
    ),
    Recipe(
        name="tsi",
        formula=lambda b, x, p: talib.TSI(x, *p),
        source="Blau 1991, True Strength Index",
        inputs=("close",),
        periods=((13, 7), (25, 13), (50, 25)),
        transforms=("level", "change3"),
        full_transforms=("std50",),
    ),
    Recipe(
        name="cci",
        formula=lambda b, x, p: talib.CCI(*_hlc(b), p),
        source="Lambert 1980, Commodity Channel Index",
        periods=(7, 14, 28, 56, 100),
        transforms=("level", "change3"),
        full_transforms=("highage50", "lowage50"),
    ),
    Recipe(
        name="mfi",
        formula=lambda b, x, p: talib.MFI(*_hlc(b), b["volume"], p),
        source="Quong and Soudack 1989, Money Flow Index",
        periods=(7, 14, 28, 56),
        transforms=("level", "change3"),
        full_transforms=("crossings100", "highage50", "lowage50"),
    ),
    Recipe(
        name="adx",
        formula=lambda b, x, p: talib.ADX(*_hlc(b), p),
        source=WILDER + ", ADX",
        periods=(7, 14, 28, 56),
        transforms=("level", "change5", "zscore200"),
        full_transforms=("slope20", "run100", "highage100"),
    ),
    Recipe(
        name="directional",
        formula=_directional,
        source=WILDER + ", directional indicators",
        outputs=("plus", "minus", "balance"),
        periods=(7, 14, 28, 56),
    ),
    Recipe(
        name="aroon",
        formula=lambda b, x, p: talib.AROONOSC(b["high"], b["low"], p),
        source="Chande 1995, Aroon oscillator",
        periods=(14, 25, 50, 100),
        full_periods=(7, 200),
        full_transforms=("change5", "mean20"),
    ),
    Recipe(
        name="macd",
        formula=_macd,
        source="Appel 1979, MACD; in units of ATR(14)",
        outputs=("line", "histogram"),
        periods=((6, 13, 5), (12, 26, 9), (48, 104, 36)),
        transforms=("level", "change3"),
        full_transforms=("run50", "highage50"),
    ),
    Recipe(
        name="trix",
        formula=lambda b, x, p: change_in_percent(talib.TRIX(x, p)),
        source="Hutson 1983, TRIX; unknown where the average was next to nothing, as that of no volume becomes",
        inputs=("close", "volume"),
        periods=(5, 9, 15, 30),
        full_transforms=("change5",),
    ),
    Recipe(
        name="ultimate",
        formula=lambda b, x, p: talib.ULTOSC(*_hlc(b), *p),
        source="Williams 1985, The Ultimate Oscillator",
        periods=((4, 8, 16), (7, 14, 28), (14, 28, 56)),
        full_transforms=("change5", "crossings100", "std50"),
    ),
    Recipe(
        name="vertical_horizontal",
        formula=lambda b, x, p: talib.VHF(x, p),
        source="White 1991, Vertical Horizontal Filter",
        inputs=("close",),
        periods=(14, 28, 56, 100),
        full_inputs=("volume",),
        full_transforms=("change20",),
    ),
    Recipe(
        name="vortex",
        formula=_vortex,
        source="Botes and Siepman 2010, The Vortex Indicator",
        outputs=("difference", "sum"),
        periods=(7, 14, 28, 56),
        full_transforms=("crossings100",),
    ),
    Recipe(
        name="efficiency",
        formula=_efficiency,
        source="Kaufman 1995, Smarter Trading, efficiency ratio",
        outputs=("size", "signed"),
        periods=(5, 10, 20, 50, 200),
        full_transforms=("change10",),
    ),
    Recipe(
        name="detrended",
        formula=lambda b, x, p: b.in_atr(talib.DPO(b["close"], p)),
        source="Detrended price oscillator (price of p/2 + 1 bars ago against its mean); in units of ATR(14)",
        periods=(10, 20, 50, 100),
        full_transforms=("change5", "std50"),
    ),
    Recipe(
        name="forecast",
        formula=lambda b, x, p: talib.FOSC(x, p),
        source="Chande 1994, forecast oscillator",
        inputs=("close",),
        periods=(5, 14, 28),
        full_periods=(56, 100),
        full_transforms=("std50", "crossings100"),
    ),
    Recipe(
        name="elder",
        formula=_elder,
        source="Elder 1993, Trading for a Living, bull and bear power; in units of ATR(14)",
        outputs=("bull", "bear"),
        periods=(13, 52),
    ),
    Recipe(
        name="awesome",
        formula=_awesome,
        source="Williams 1998, New Trading Dimensions, awesome and accelerator oscillators; in units of ATR(14)",
        outputs=("awesome", "accelerator"),
        periods=((5, 34), (10, 68)),
        full_transforms=("highage50", "lowage50"),
    ),
)
