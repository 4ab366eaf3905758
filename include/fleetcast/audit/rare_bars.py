"""Rows before and after bars of a rare kind, to cut every column there."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from fleetcast.audit.own_events import choose_cuts
from fleetcast.data.bars import BarSet, SymbolBars

Mask = npt.NDArray[np.bool_]
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
CLOCKS = {"eight hours": (8 * HOUR_MS, 0), "a day": (DAY_MS, 0), "a week": (7 * DAY_MS, 4 * DAY_MS)}
SWING_BARS = (20, 50)
N_LARGEST, N_JUMPS, STRETCH_BARS, DEVIATION_BARS = 8, 2, 20, 50
SIX_DEVIATIONS = 6.0
NOT_BEFORE = ("opens far", "moves", "much", "far ", "trades again")  # the shock that follows every row is like them


def rows_at_rare_bars(bars: BarSet, *, first_row: int) -> tuple[int, ...]:
    """Rows from ``first_row`` on after which to cut: before and after bars of every rare kind, of every symbol."""
    names, kinds = zip(*_rare_bars(bars), strict=True)
    after = np.column_stack(kinds)
    after[: first_row + 1] = after[-1] = False
    before = np.roll(after[:, [not name.startswith(NOT_BEFORE) for name in names]], -1, axis=0)
    return tuple(sorted(row for row, _ in choose_cuts(np.hstack([before, after]), n_events=1)))


def _rare_bars(bars: BarSet) -> Iterator[tuple[str, Mask]]:
    for name, (length_ms, offset_ms) in CLOCKS.items():
        yield name, np.diff((bars.timeline - offset_ms) // length_ms, prepend=-1) > 0
    day = bars.timeline.astype("datetime64[ms]")
    for name, unit in (("a month", "M"), ("a year", "Y")):
        period = day.astype(f"datetime64[{unit}]")
        yield name, np.append(False, period[1:] != period[:-1])
    for symbol, own in bars.bars.items():
        for name, kind in _kinds_of(own, bar_ms=bars.bar_ms).items():
            on_timeline = np.zeros(len(bars.timeline), dtype=np.bool_)
            on_timeline[bars.rows(symbol)] = kind
            yield name, on_timeline


def _kinds_of(own: SymbolBars, *, bar_ms: int) -> dict[str, Mask]:
    stretch = _stretch(np.log(own.close))
    close_before = np.concatenate([own.open[:1], own.close[:-1]])
    kinds = {
        "after a hole": np.diff(own.timestamp, prepend=own.timestamp[0] - 2 * bar_ms) > bar_ms,
        "without volume": own.volume == 0,
        "trades again": (own.volume > 0) & (np.append(1.0, own.volume[:-1]) == 0),
        "of unknown volume": np.isnan(own.volume),
        "closes where it opened": own.close == own.open,
        "opens far from the close before": _largest(np.abs(np.log(own.open / close_before)), n_bars=N_JUMPS),
        "moves far": _largest(np.log(own.high / own.low)),
        "moves six deviations": _six_deviations(np.log(own.close)),
        "much volume": _largest(np.nan_to_num(own.volume)),
        "far above its mean": _largest(stretch),
        "far below its mean": _largest(-stretch),
    }
    for n_bars in SWING_BARS:
        kinds[f"confirms a high of {n_bars} bars"] = _confirms_a_high(own.high, n_bars)
        kinds[f"confirms a low of {n_bars} bars"] = _confirms_a_high(-own.low, n_bars)
    return kinds


def _largest(x: npt.NDArray[np.float64], *, n_bars: int = N_LARGEST) -> Mask:
    return np.asarray(x >= np.sort(x)[-n_bars])


def _six_deviations(log_close: npt.NDArray[np.float64]) -> Mask:
    """Bars that closed six standard deviations and more of the last returns away, their own among them."""
    found = np.zeros(len(log_close), dtype=np.bool_)
    returns = np.diff(log_close)
    windows = np.lib.stride_tricks.sliding_window_view(returns, DEVIATION_BARS)
    found[DEVIATION_BARS:] = np.abs(returns[DEVIATION_BARS - 1 :]) > SIX_DEVIATIONS * windows.std(axis=1, ddof=1)
    return found


def _stretch(log_close: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Distance from the mean of the last bars, in log price; 0 while there are too few."""
    means = np.lib.stride_tricks.sliding_window_view(log_close, STRETCH_BARS).mean(axis=1)
    return np.append(np.zeros(STRETCH_BARS - 1), log_close[STRETCH_BARS - 1 :] - means)


def _confirms_a_high(high: npt.NDArray[np.float64], n_bars: int) -> Mask:
    """Bars at which the highest of ``n_bars`` on both sides has become known."""
    found = np.zeros(len(high), dtype=np.bool_)
    if len(high) > 2 * n_bars:
        windows = np.lib.stride_tricks.sliding_window_view(high, 2 * n_bars + 1)
        found[2 * n_bars :] = windows.argmax(axis=1) == n_bars
    return found
