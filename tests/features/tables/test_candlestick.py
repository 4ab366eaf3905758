"""Candlestick columns: patterns by TA-Lib, shapes against slow loops."""

import numpy as np
import pytest
import talib

from fleetcast.features.engine import compute_columns
from fleetcast.features.tables.candlestick import PATTERNS


def test_pattern_is_talibs_own_in_hundreds(real_bars, btc):
    found = compute_columns(real_bars, ["btc.candlestick.cdlengulfing"])[:, 0]
    expected = talib.CDLENGULFING(btc.open, btc.high, btc.low, btc.close) / 100
    np.testing.assert_array_equal(found, expected.astype(np.float32))
    assert set(found.tolist()) >= {-1.0, 0.0, 1.0}


def test_pattern_balance_counts_signs_of_all_patterns(check_column, btc):
    signs = np.sum([np.sign(getattr(talib, p)(btc.open, btc.high, btc.low, btc.close)) for p in PATTERNS], axis=0)
    check_column("btc.candlestick.pattern_balance.net.5", lambda t: signs[t - 4 : t + 1].mean())


@pytest.mark.parametrize(("part", "output"), [("body", 0), ("upper_wick", 1), ("lower_wick", 2), ("close_position", 3)])
def test_merged_is_the_shape_of_several_bars_as_one(check_column, btc, part, output):
    def oracle(t):
        opened, closed = btc.open[t - 3], btc.close[t]
        high, low = btc.high[t - 3 : t + 1].max(), btc.low[t - 3 : t + 1].min()
        shares = (closed - opened, high - max(opened, closed), min(opened, closed) - low, closed - low)
        return shares[output] / (high - low)

    check_column(f"btc.candlestick.merged.{part}.4", oracle)


def test_wick_balance(check_column, btc):
    def oracle(t):
        window = slice(t - 9, t + 1)
        upper = btc.high[window] - np.maximum(btc.open[window], btc.close[window])
        lower = np.minimum(btc.open[window], btc.close[window]) - btc.low[window]
        return (lower - upper).sum() / (btc.high[window] - btc.low[window]).sum()

    check_column("btc.candlestick.wick_balance.10", oracle)


def test_run_counts_bars_in_a_row(check_column, btc):
    def oracle(t):
        length = 0
        while btc.high[t - length] > btc.high[t - length - 1]:
            length += 1
        return length

    check_column("btc.candlestick.run.higher_high", oracle)
