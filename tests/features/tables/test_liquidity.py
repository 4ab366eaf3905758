"""Technical columns of spreads and impact, against slow loops over the papers' formulas."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def returns(btc):
    """Log returns, unknown at the first bar."""
    return np.diff(np.log(btc.close), prepend=np.nan)


def test_high_low_spread_is_corwin_and_schultz_over_the_mean_return(check_column, btc, returns):
    def spread(i):
        beta = sum(np.log(btc.high[j] / btc.low[j]) ** 2 for j in (i - 1, i))
        gamma = np.log(btc.high[i - 1 : i + 1].max() / btc.low[i - 1 : i + 1].min()) ** 2
        root = 3 - 2 * np.sqrt(2)
        alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / root - np.sqrt(gamma / root)
        return max(2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha)), 0.0)

    def oracle(t):
        window = range(t - 19, t + 1)
        return np.mean([spread(i) for i in window]) / np.mean([abs(returns[i]) for i in window])

    check_column("btc.technical.high_low_spread.20", oracle)


def test_close_spread_is_abdi_and_ranaldo_over_the_mean_square(check_column, btc, returns):
    def middle(i):
        return (np.log(btc.high[i]) + np.log(btc.low[i])) / 2

    def oracle(t):
        window = range(t - 19, t + 1)
        close = np.log(btc.close)
        spreads = [4 * (close[i - 1] - middle(i - 1)) * (close[i - 1] - middle(i)) for i in window]
        return np.mean(spreads) / np.mean([returns[i] ** 2 for i in window])

    check_column("btc.technical.close_spread.20", oracle)


def test_bounce_is_the_negative_product_of_neighbouring_returns(check_column, returns):
    def oracle(t):
        window = range(t - 49, t + 1)
        return -np.mean([returns[i] * returns[i - 1] for i in window]) / np.mean([returns[i] ** 2 for i in window])

    check_column("btc.technical.bounce.50", oracle)


def test_illiquidity_balance_compares_falling_with_rising_impact(check_column, btc, returns):
    def oracle(t):
        impact = np.abs(returns) / btc.volume
        window = range(t - 49, t + 1)
        fall, rise = (np.mean([impact[i] for i in window if sign * returns[i] > 0]) for sign in (-1, 1))
        return np.log(fall / rise)

    check_column("btc.technical.illiquidity_balance.50", oracle)


def test_volume_leads_is_a_correlation_with_volume_three_bars_before(check_column, btc):
    size = np.log(btc.high / btc.low)
    check_column(
        "btc.technical.volume_leads.log_range.100-3",
        lambda t: np.corrcoef(np.log(btc.volume[t - 102 : t - 2]), size[t - 99 : t + 1])[0, 1],
    )


def test_order_reversal_is_the_slope_on_the_last_bars_signed_volume(check_column, btc, returns):
    def signed(i):
        return np.sign(returns[i]) * btc.volume[i] / btc.volume[i - 99 : i + 1].mean()

    def oracle(t):
        window = range(t - 99, t + 1)
        slope = np.polyfit([signed(i - 1) for i in window], [returns[i] for i in window], 1)[0]
        return slope / returns[t - 49 : t + 1].std(ddof=1)

    check_column("btc.technical.order_reversal.100", oracle)
