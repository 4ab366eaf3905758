"""Market structure columns of volume by price: profiles over rolling windows, and volume-weighted prices with bands."""

import math

import numpy as np
import numpy.typing as npt

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import above, bars_since, change, lag, mean, ratio, total

N_BINS = 24  # of the window's range
VALUE_SHARE = 0.7
CHUNK_CELLS = 1_000_000  # of bars x window, so that memory does not grow with the history
PROFILE_OUTPUTS = ("peak", "value_high", "value_low", "value_width", "peak_share", "entropy", "here", "centre")
TOLERANCE = 1e-9  # of the price


def _profile(bars: Inputs, x: None, period: int) -> tuple[Values, ...]:
    """The volume of the last bars by price, each bar's at its typical price, in bins of the window's range."""
    n_bars = bars.bars.n_bars
    found = np.full((len(PROFILE_OUTPUTS), n_bars), np.nan)
    if n_bars >= period:
        windows = [np.lib.stride_tricks.sliding_window_view(bars[name], period) for name in ("typical", "volume")]
        step = max(1, CHUNK_CELLS // period)
        for first in range(0, n_bars - period + 1, step):
            price, volume = (window[first : first + step] for window in windows)
            rows = slice(first + period - 1, first + period - 1 + len(price))
            found[:, rows] = _describe(price, volume, close=bars["close"][rows], atr=bars["atr"][rows])
    return tuple(found)


def _describe(price: Values, volume: Values, *, close: Values, atr: Values) -> Values:
    """The outputs of some windows, ``(n_outputs, n_windows)``."""
    low, high = price.min(axis=1), price.max(axis=1)
    width = high - low
    bin_width = width / N_BINS
    shares = _shares(price, volume, low=low, bin_width=bin_width)
    unknown = np.isnan(shares[:, 0]) | np.isnan(atr) | (atr <= 0)
    shares = np.where(unknown[:, None], 1.0 / N_BINS, shares)
    peak = shares.argmax(axis=1)
    bottom, top = _value_area(shares, peak)
    here = np.clip((close - low) / np.where(bin_width > 0, bin_width, 1.0), 0, N_BINS - 1).astype(np.int64)
    rows = np.arange(len(shares))
    unit = np.where(unknown, 1.0, atr)
    entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1) / math.log(N_BINS)
    outputs = (
        (close - low - (peak + 0.5) * bin_width) / unit,
        (low + (top + 1) * bin_width - close) / unit,
        (close - low - bottom * bin_width) / unit,
        (top + 1 - bottom) / N_BINS,
        shares[rows, peak],
        entropy,
        shares[rows, here] * N_BINS,
        (shares * (np.arange(N_BINS) + 0.5)).sum(axis=1) / N_BINS,
    )
    return np.where(unknown, np.nan, np.stack(outputs))


def _shares(price: Values, volume: Values, *, low: Values, bin_width: Values) -> Values:
    """Share of each bin in the window's volume, ``(n_windows, N_BINS)``; NaN where nothing moved or was traded."""
    n_windows = len(price)
    scale = 1 / np.where(bin_width > 0, bin_width, 1.0)
    bins = np.minimum(((price - low[:, None]) * scale[:, None]).astype(np.int32), N_BINS - 1)
    cells = (bins + N_BINS * np.arange(n_windows, dtype=np.int32)[:, None]).ravel()
    sums = np.bincount(cells, weights=volume.ravel(), minlength=n_windows * N_BINS).reshape(n_windows, N_BINS)
    whole = sums.sum(axis=1)
    known = (whole > 0) & (bin_width > 0)
    return np.where(known[:, None], sums / np.where(known, whole, 1.0)[:, None], np.nan)


def _value_area(shares: Values, peak: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and last bin of the area around the peak that holds `VALUE_SHARE`, grown by the larger neighbour."""
    rows = np.arange(len(shares))
    padded = np.pad(shares, ((0, 0), (1, 1)), constant_values=-1.0)
    bottom, top, inside = peak.copy(), peak.copy(), shares[rows, peak]
    for _ in range(N_BINS - 1):
        grows = inside < VALUE_SHARE
        below, over = padded[rows, bottom], padded[rows, top + 2]
        upwards = over >= below
        inside = inside + np.where(grows, np.maximum(over, below), 0.0)
        top = top + (grows & upwards)
        bottom = bottom - (grows & ~upwards)
    return bottom, top


def _average(bars: Inputs, period: int) -> Values:
    """Volume-weighted typical price of the last bars."""
    return ratio(total(bars["typical"] * bars["volume"], period), total(bars["volume"], period))


def _tilt(bars: Inputs, x: None, period: int) -> Values:
    """Volume-weighted less plain mean price: where the volume was traded."""
    return ratio(_average(bars, period) - mean(bars["typical"], period), bars["atr"])


def _average_slope(bars: Inputs, x: None, period: int) -> Values:
    return ratio(change(_average(bars, period), max(1, period // 4)), bars["atr"] * math.sqrt(period))


def _sides(bars: Inputs, x: None, period: int) -> tuple[Values, Values, Values]:
    """Share of closes above the volume-weighted price, and bars since the close crossed it upwards and downwards."""
    gap = bars["close"] - _average(bars, period)
    side = np.where(np.abs(gap) <= TOLERANCE * bars["close"], 0.0, np.sign(gap))
    before = lag(side, 1)
    return (
        mean(above(side, 0.0), period),
        bars_since((side > 0) & (before <= 0)),
        bars_since((side < 0) & (before >= 0)),
    )


RECIPES = (
    Recipe(
        name="profile",
        formula=_profile,
        source="Steidlmayer 1986, Market Profile: point of control and value area of 70 %, by volume",
        width="full",
        outputs=PROFILE_OUTPUTS,
        periods=(50, 100, 200, 400),
    ),
    Recipe(
        name="volume_tilt",
        formula=_tilt,
        source="own choice: VWAP (Berkowitz, Logue and Noser 1988) less the mean price, in units of ATR(14)",
        width="full",
        periods=(5, 10, 20, 50, 100, 200, 400),
        transforms=("level", "change10"),
    ),
    Recipe(
        name="weighted_slope",
        formula=_average_slope,
        source="own choice: slope of VWAP (Berkowitz, Logue and Noser 1988), in units of ATR(14)",
        width="full",
        periods=(20, 50, 100, 200, 400),
    ),
    Recipe(
        name="weighted_side",
        formula=_sides,
        source="Berkowitz, Logue and Noser 1988, VWAP: on which side closes stand, and for how long",
        width="full",
        outputs=("share_above", "since_up", "since_down"),
        periods=(10, 20, 50, 100, 200, 400),
    ),
)
