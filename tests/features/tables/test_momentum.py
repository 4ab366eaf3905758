"""Technical columns of momentum."""

import numpy as np
import talib

from fleetcast.features.engine import compute_columns


def test_rsi_is_talibs_own(real_bars, btc):
    found = compute_columns(real_bars, ["btc.technical.rsi.close.14"])[:, 0]
    np.testing.assert_array_equal(found, talib.RSI(btc.close, 14).astype(np.float32))


def test_momentum_is_return_over_expected_size(check_column, btc):
    returns = np.diff(np.log(btc.close), prepend=np.nan)
    check_column(
        "btc.technical.momentum.21",
        lambda t: np.log(btc.close[t] / btc.close[t - 21]) / (returns[t - 49 : t + 1].std(ddof=1) * np.sqrt(21)),
    )


def test_lagged_return_is_that_of_an_earlier_bar(real_bars):
    earlier, now = compute_columns(real_bars, ["btc.technical.lagged_return.4", "btc.technical.momentum.1"]).T
    np.testing.assert_array_equal(earlier[4:], now[:-4])


def test_trend_fit_is_correlation_with_time(check_column, btc):
    check_column(
        "btc.technical.trend_fit.50", lambda t: np.corrcoef(np.arange(50), np.log(btc.close[t - 49 : t + 1]))[0, 1]
    )


def test_directional_balance_is_difference_over_sum(real_bars):
    names = [f"btc.technical.directional.{part}.14" for part in ("plus", "minus", "balance")]
    plus, minus, balance = compute_columns(real_bars, names)[100:].T
    np.testing.assert_allclose(balance, (plus - minus) / (plus + minus), rtol=1e-4, atol=1e-6)
