"""Swings on every prefix of a stretch of bars: what is known of them must not depend on whether the next bar goes on.

A swing that is counted before its last bar has closed, and dropped if that one goes beyond it, changes a column at one
bar in a thousand: too rare for the audit of columns to find. So swings are made anew after every bar, with one more
that goes beyond all before, on both sides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fleetcast.audit.later_bars import shock_after
from fleetcast.audit.slices import Slice
from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.data.findings import instant_text
from fleetcast.features.confirmed_swings import confirmed_swings
from fleetcast.features.inputs import Inputs
from fleetcast.fleet.variants import SwingType
from fleetcast.labels.swings import SwingPath, find_swings

SIDES: tuple[SwingType, ...] = ("high", "low")
KNOWN = ("confirmed", "bar", "level", "previous_level", "previous_age", "streak", "n_found")
STRETCH = slice(1100, 1350)  # rows after each of which a shock follows
STRETCH_BARS = 700  # that swings are found in: as many as those before the first row, and the stretch

Known = Mapping[str, npt.NDArray[Any]]
SwingFinder = Callable[[SymbolBars, int, int], Known]


@dataclass(frozen=True)
class SwingAudit:
    """How many prefixes were tried, and a line for everything that was known too early."""

    n_prefixes: int
    leaks: tuple[str, ...]


def known_swings(own: SymbolBars, window_bars: int, bar_ms: int) -> Known:
    """What columns and labels know of swings at each bar, arrays ``(n_bars,)`` by name."""
    known: dict[str, npt.NDArray[Any]] = {}
    inputs = Inputs(own, bar_ms=bar_ms)
    for side in SIDES:
        confirmed = confirmed_swings(inputs, side, window_bars=window_bars)
        known |= {f"{side} swings ({name})": getattr(confirmed, name) for name in KNOWN}
        events = find_swings(SwingPath.of(own, side), window_bars=window_bars, min_deviation=0.0)
        deviation = np.full(own.n_bars, np.nan)
        deviation[events.t] = events.deviation
        known[f"{side} events"] = deviation
    return known


def audit_swings(
    one: Slice, *, window_bars: tuple[int, ...], find: SwingFinder = known_swings, stretch: slice = STRETCH
) -> SwingAudit:
    """Compares, after each row of the stretch, what was known up to there with and without a shock that follows.

    Args:
        one: bars.
        window_bars: of the swings, each on its own.
        find: what is known at each bar of a symbol.
        stretch: rows of the timeline.
    """
    first = max(0, stretch.stop - STRETCH_BARS)
    bars = one.bars.between(int(one.bars.timeline[first]), int(one.bars.timeline[stretch.stop]))
    whole, leaks = _find(bars, window_bars, find), {}
    for row in range(stretch.start - first, stretch.stop - first):
        shocked = _find(shock_after(bars, row), window_bars, find)
        for key, known in whole.items():
            n_bars = int(np.searchsorted(bars.bars[key[0]].timestamp, bars.timeline[row], side="right"))
            if key not in leaks and not np.array_equal(known[:n_bars], shocked[key][:n_bars], equal_nan=True):
                leaks[key] = (
                    f"{key[0]}: {key[2]} of {key[1]} bars know the bar after {instant_text(int(bars.timeline[row]))}"
                )
    return SwingAudit(stretch.stop - stretch.start, tuple(leaks.values()))


def _find(
    bars: BarSet, window_bars: tuple[int, ...], find: SwingFinder
) -> dict[tuple[str, int, str], npt.NDArray[Any]]:
    """By symbol, window and name."""
    return {
        (symbol, n_bars, name): known
        for symbol, own in bars.bars.items()
        for n_bars in window_bars
        for name, known in find(own, n_bars, bars.bar_ms).items()
    }
