"""Technical columns of momentum."""

import numpy as np
import pytest
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


def test_rsi_follows_wilders_recursion(check_column, btc):
    change = np.diff(btc.close, prepend=np.nan)

    def oracle(t):
        gain, loss = np.maximum(change[1:29], 0).mean(), np.maximum(-change[1:29], 0).mean()
        for i in range(29, t + 1):
            gain, loss = (gain * 27 + max(change[i], 0)) / 28, (loss * 27 + max(-change[i], 0)) / 28
        return 100 * gain / (gain + loss)

    check_column("btc.technical.rsi.close.28", oracle)


def test_stochastic_k_is_the_closes_place_in_the_range(check_column, btc):
    def oracle(t):
        high, low = btc.high[t - 13 : t + 1].max(), btc.low[t - 13 : t + 1].min()
        return 100 * (btc.close[t] - low) / (high - low)

    check_column("btc.technical.stochastic.k.14", oracle)


def test_cci_is_the_distance_in_mean_deviations(check_column, btc):
    typical = (btc.high + btc.low + btc.close) / 3

    def oracle(t):
        window = typical[t - 27 : t + 1]
        return (typical[t] - window.mean()) / (0.015 * np.abs(window - window.mean()).mean())

    check_column("btc.technical.cci.28", oracle)


def test_efficiency_is_net_move_over_path(check_column, btc):
    check_column(
        "btc.technical.efficiency.size.20",
        lambda t: abs(btc.close[t] - btc.close[t - 20]) / np.abs(np.diff(btc.close[t - 20 : t + 1])).sum(),
    )


def test_aroon_oscillator_compares_the_ages_of_high_and_low(check_column, btc):
    def oracle(t):
        since_high = min(age for age in range(26) if btc.high[t - age] == btc.high[t - 25 : t + 1].max())
        since_low = min(age for age in range(26) if btc.low[t - age] == btc.low[t - 25 : t + 1].min())
        return 100 * (since_low - since_high) / 25

    check_column("btc.technical.aroon.25", oracle)


def test_money_flow_index_is_the_share_of_rising_value(check_column, btc):
    typical = (btc.high + btc.low + btc.close) / 3

    def oracle(t):
        window = range(t - 27, t + 1)
        up = sum(typical[i] * btc.volume[i] for i in window if typical[i] > typical[i - 1])
        down = sum(typical[i] * btc.volume[i] for i in window if typical[i] < typical[i - 1])
        return 100 * up / (up + down)

    check_column("btc.technical.mfi.28", oracle)


@pytest.mark.parametrize("period", [7, 28])
def test_vortex_difference_compares_reaches_up_and_down(check_column, btc, period):
    def oracle(t):
        window = range(t - period + 1, t + 1)
        true_range = sum(max(btc.high[i], btc.close[i - 1]) - min(btc.low[i], btc.close[i - 1]) for i in window)
        up = sum(abs(btc.high[i] - btc.low[i - 1]) for i in window)
        return (up - sum(abs(btc.low[i] - btc.high[i - 1]) for i in window)) / true_range

    check_column(f"btc.technical.vortex.difference.{period}", oracle)
