"""Columns of real bars by name, and the rows at which slow loops recompute them."""

from collections.abc import Callable

import numpy as np
import pytest

from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.features.engine import compute_columns

ROWS = (510, 613, 778, 905, 1031, 1204, 1377, 1499)
Oracle = Callable[[int], float]


@pytest.fixture(scope="session")
def btc(real_bars: BarSet) -> SymbolBars:
    """btc's own bars."""
    return real_bars.bars["btc"]


@pytest.fixture(scope="session")
def check_column(real_bars: BarSet) -> Callable[[str, Oracle], None]:
    """Compares a column with what a slow loop gives at some rows, to float32's digits."""

    def check(name: str, oracle: Oracle) -> None:
        found = compute_columns(real_bars, [name])[list(ROWS), 0]
        expected = [oracle(t) for t in ROWS]
        assert np.isfinite(expected).all(), "an oracle without values proves nothing"
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6, err_msg=name)

    return check


@pytest.fixture(scope="session")
def atr(btc: SymbolBars) -> np.ndarray:
    """Wilder's average true range of 14 bars by its recursion, NaN before it begins."""
    true_range = [np.nan]
    for t in range(1, btc.n_bars):
        before = btc.close[t - 1]
        true_range.append(max(btc.high[t] - btc.low[t], abs(btc.high[t] - before), abs(btc.low[t] - before)))
    values = np.full(btc.n_bars, np.nan)
    values[14] = np.mean(true_range[1:15])
    for t in range(15, btc.n_bars):
        values[t] = (values[t - 1] * 13 + true_range[t]) / 14
    return values
