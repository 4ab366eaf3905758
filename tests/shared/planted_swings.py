"""Swings that count before they are confirmed: what the audit of swings must find."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fleetcast.audit.swing_audit import SwingFinder
from fleetcast.data.bars import SymbolBars
from fleetcast.fleet.variants import SwingType
from planted_market_leaks import SWING_WINDOWS, unconfirmed


def unconfirmed_swings(side: SwingType) -> SwingFinder:
    """Swings of one side that lack their last bar, and are dropped if that one goes beyond them."""

    def find(own: SymbolBars, window_bars: int, bar_ms: int) -> Mapping[str, npt.NDArray[np.bool_]]:
        return {"swings": unconfirmed(own.high if side == "high" else -own.low, window_bars)}

    return find


UNCONFIRMED_SWINGS = {
    f"unconfirmed {side} swing of {n_bars} bars": (unconfirmed_swings(side), n_bars)
    for side in ("high", "low")
    for n_bars in SWING_WINDOWS
}
