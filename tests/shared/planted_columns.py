"""Columns that know what they must not, or need more history than they may: what the audit must find."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import talib

from fleetcast.features.columns import Column, Recipe, Values, columns_of
from fleetcast.features.confirmed_swings import confirmed_swings
from fleetcast.features.inputs import AlignedInputs, Inputs
from fleetcast.features.rolling import mean

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


@dataclass(frozen=True)
class PlantedColumn:
    """One mutation of a column; ``leaks`` or needs too much history."""

    name: str
    formula: Callable[..., Any]
    scope: Literal["own", "pair"] = "own"
    leaks: bool = True

    def column(self) -> Column:
        recipe = Recipe(name=self.name.replace(" ", "_"), formula=self.formula, source="planted", scope=self.scope)
        return columns_of(recipe, symbol="btc", generator="planted", others=("eth",))[0]


def shift(x: Values, n_bars: int) -> Values:
    """The value ``n_bars`` later."""
    return np.append(x[n_bars:], np.full(n_bars, np.nan))


def fill_back(x: Values) -> Values:
    known = np.flatnonzero(~np.isnan(x))
    return x[known[np.minimum(np.searchsorted(known, np.arange(len(x))), len(known) - 1)]]


def every(x: Values, n_bars: int) -> Values:
    """The value of each n-th bar, unknown in between."""
    return np.where(np.arange(len(x)) % n_bars == 0, x, np.nan)


def by_group(key: np.ndarray, x: Values, reduce: Callable[[Values], float]) -> Values:
    """One value a group, at all of its bars."""
    groups, place = np.unique(key, return_inverse=True)
    return np.array([reduce(x[place == i]) for i in range(len(groups))])[place]


def swings_at_their_bar(b: Inputs) -> Values:
    high, window = b["high"], np.lib.stride_tricks.sliding_window_view(b["high"], 11)
    flags = np.zeros(len(high))
    flags[5:-5] = window.max(axis=1) == high[5:-5]
    return flags


def swings_one_bar_early(b: Inputs) -> Values:
    return shift(confirmed_swings(b, "high", window_bars=3).level, 1)


def low_pass(x: Values) -> Values:
    spectrum = np.fft.rfft(np.nan_to_num(x))
    spectrum[len(spectrum) // 8 :] = 0
    return np.fft.irfft(spectrum, n=len(x))


def principal_component(b: Inputs) -> Values:
    rows = np.column_stack([np.nan_to_num(b[name]) for name in ("log_return", "body", "log_range", "log_volume")])
    rows = rows - rows.mean(axis=0)
    return rows @ np.linalg.svd(rows, full_matrices=False)[2][0]


def forward_and_backward(x: Values) -> Values:
    once = talib.EMA(x, 10)
    return talib.EMA(np.nan_to_num(once, nan=x[0])[::-1].copy(), 10)[::-1]


def hour_encoded_by_target(b: Inputs) -> Values:
    later = np.nan_to_num(shift(b["log_close"], 5) - b["log_close"])
    return by_group(b.timestamp // HOUR_MS % 24, later, np.mean)


def running_target_mean(b: Inputs) -> Values:
    won = np.nan_to_num(shift(b["log_close"], 5) > b["log_close"]).astype(float)
    return np.cumsum(won) / np.arange(1, len(won) + 1)


def bars_to_highest(x: Values) -> Values:
    later = np.append(x[1:], np.full(20, -np.inf))
    return np.lib.stride_tricks.sliding_window_view(later, 20).argmax(axis=1).astype(float)


def by_position(own: Inputs, other: AlignedInputs) -> Values:
    series = other._other["log_close"]
    values = np.full(len(own["close"]), np.nan)
    n = min(len(values), len(series))
    values[:n] = series[:n]
    return values


def interpolated(own: Inputs, other: AlignedInputs) -> Values:
    x = other["log_close"]
    known = np.flatnonzero(~np.isnan(x))
    return np.interp(np.arange(len(x)), known, x[known])


def rounding_flip(b: Inputs) -> Values:
    """Whether a mean of running sums lies above the same mean summed anew: rounding alone decides."""
    anew = np.append(np.full(49, np.nan), np.lib.stride_tricks.sliding_window_view(b["close"], 50).mean(axis=1))
    return (np.cumsum(b["close"])[:] - np.append(np.zeros(50), np.cumsum(b["close"])[:-50]) > anew * 50).astype(float)


PLANTED_COLUMNS = (
    PlantedColumn("future shift by one", lambda b, x, p: shift(b["log_return"], 1)),
    PlantedColumn("next bar's open", lambda b, x, p: shift(b["log_open"], 1) - b["log_close"]),
    PlantedColumn("difference taken forward", lambda b, x, p: shift(b["log_close"], 1) - b["log_close"]),
    PlantedColumn("window one bar too far", lambda b, x, p: shift(mean(b["log_return"], 20), 1)),
    PlantedColumn("centred window", lambda b, x, p: np.convolve(b["log_close"], np.ones(5) / 5, mode="same")),
    PlantedColumn(
        "centred window, one bar of it", lambda b, x, p: np.append(b["high"][1:] > b["high"][:-1], False) * 1.0
    ),
    PlantedColumn("full-sample scaler", lambda b, x, p: (b["close"] - b["close"].mean()) / b["close"].std()),
    PlantedColumn("full-sample rank", lambda b, x, p: b["close"].argsort().argsort() / len(b["close"])),
    PlantedColumn("full-sample quantile", lambda b, x, p: (b["close"] > np.quantile(b["close"], 0.6)) * 1.0),
    PlantedColumn(
        "full-sample bins", lambda b, x, p: np.digitize(b["close"], np.quantile(b["close"], [0.2, 0.5, 0.8])) * 1.0
    ),
    PlantedColumn("full-sample range", lambda b, x, p: (b["low"] - b["low"].min()) / np.ptp(b["low"])),
    PlantedColumn(
        "clipped at full-sample percentiles", lambda b, x, p: np.clip(b["range"], *np.percentile(b["range"], [5, 95]))
    ),
    PlantedColumn("mean over the whole sample", lambda b, x, p: b["close"] - b["close"].mean()),
    PlantedColumn(
        "trend line through all rows",
        lambda b, x, p: np.polyval(np.polyfit(np.arange(len(b["close"])), b["close"], 1), np.arange(len(b["close"]))),
    ),
    PlantedColumn("outliers of the whole sample", lambda b, x, p: (b["range"] > 4 * b["range"].mean()) * 1.0),
    PlantedColumn("unconfirmed swing", lambda b, x, p: swings_at_their_bar(b)),
    PlantedColumn("swing confirmed one bar early", lambda b, x, p: swings_one_bar_early(b)),
    PlantedColumn("backward fill", lambda b, x, p: fill_back(every(b["close"], 7))),
    PlantedColumn(
        "interpolation between known bars",
        lambda b, x, p: np.interp(np.arange(len(b["close"])), np.arange(len(b["close"]))[::9], b["close"][::9]),
    ),
    PlantedColumn(
        "resample with the open bar",
        lambda b, x, p: (
            by_group(b.timestamp // HOUR_MS, b["close"], lambda v: v[-1]) if b.bar_ms < HOUR_MS else b["close"]
        ),
    ),
    PlantedColumn("day's high before its end", lambda b, x, p: by_group(b.timestamp // DAY_MS, b["high"], np.max)),
    PlantedColumn("target encoding", lambda b, x, p: hour_encoded_by_target(b)),
    PlantedColumn("running target encoding", lambda b, x, p: running_target_mean(b)),
    PlantedColumn(
        "the label itself", lambda b, x, p: np.sign(np.nan_to_num(shift(b["log_close"], 5) - b["log_close"]))
    ),
    PlantedColumn("reversed cumulative sum", lambda b, x, p: np.cumsum(b["volume"][::-1])[::-1]),
    PlantedColumn("maximum to come", lambda b, x, p: np.maximum.accumulate(b["high"][::-1])[::-1]),
    PlantedColumn("filter forward and backward", lambda b, x, p: forward_and_backward(b["close"])),
    PlantedColumn("low pass by Fourier transform", lambda b, x, p: low_pass(b["log_return"])),
    PlantedColumn("principal component of all rows", lambda b, x, p: principal_component(b)),
    PlantedColumn(
        "kernel smoothing", lambda b, x, p: np.convolve(b["close"], np.hanning(15) / np.hanning(15).sum(), mode="same")
    ),
    PlantedColumn("argmax of the future", lambda b, x, p: bars_to_highest(b["high"])),
    PlantedColumn("last row's value", lambda b, x, p: b["close"] / b["close"][-1]),
    PlantedColumn("number of bars in the file", lambda b, x, p: np.full(len(b["close"]), float(len(b["close"])))),
    PlantedColumn("bars to the end of the file", lambda b, x, p: np.arange(len(b["close"]))[::-1] * 1.0),
    PlantedColumn("time to the next bar", lambda b, x, p: shift(b.timestamp * 1.0, 1) - b.timestamp),
    PlantedColumn("other symbol one bar ahead", lambda b, other, p: shift(other["log_return"], 1), "pair"),
    PlantedColumn("other symbol by position", lambda b, other, p: by_position(b, other), "pair"),
    PlantedColumn("other symbol filled from the future", lambda b, other, p: fill_back(other["log_close"]), "pair"),
    PlantedColumn("other symbol interpolated over its gap", lambda b, other, p: interpolated(b, other), "pair"),
    PlantedColumn("state that never forgets", lambda b, x, p: np.cumsum(b["signed_volume"]), leaks=False),
    PlantedColumn("since the first bar", lambda b, x, p: b["log_close"] - b["log_close"][0], leaks=False),
    PlantedColumn("all-time high", lambda b, x, p: b["close"] / np.maximum.accumulate(b["high"]), leaks=False),
    PlantedColumn(
        "mean since the first bar",
        lambda b, x, p: np.cumsum(b["range"]) / np.arange(1, len(b["range"]) + 1),
        leaks=False,
    ),
    PlantedColumn("count of bars", lambda b, x, p: np.arange(len(b["close"])) * 1.0, leaks=False),
    PlantedColumn("every other bar of the file", lambda b, x, p: np.arange(len(b["close"])) % 2 * 1.0, leaks=False),
    PlantedColumn("period longer than 2,000 bars", lambda b, x, p: mean(b["log_return"], 2200), leaks=False),
    PlantedColumn(
        "change over 2,001 bars",
        lambda b, x, p: b["log_close"] - np.append(np.full(2001, np.nan), b["log_close"])[: len(b["close"])],
        leaks=False,
    ),
    PlantedColumn("average that fades too slowly", lambda b, x, p: talib.EMA(b["close"], 900), leaks=False),
    PlantedColumn("rounding flip", lambda b, x, p: rounding_flip(b), leaks=False),
    PlantedColumn("never known", lambda b, x, p: np.full(len(b["close"]), np.nan), leaks=False),
)
