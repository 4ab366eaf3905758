"""Technical columns of how momentum changes, against slow loops."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def returns(btc):
    """Log returns, unknown at the first bar."""
    return np.diff(np.log(btc.close), prepend=np.nan)


@pytest.fixture(scope="module")
def rsi(btc):
    """Wilder's RSI of 14 bars by his recursion."""
    change = np.diff(btc.close, prepend=np.nan)
    values = np.full(btc.n_bars, np.nan)
    gain, loss = np.maximum(change[1:15], 0).mean(), np.maximum(-change[1:15], 0).mean()
    for t in range(15, btc.n_bars):
        gain = (gain * 13 + max(change[t], 0)) / 14
        loss = (loss * 13 + max(-change[t], 0)) / 14
        values[t] = 100 * gain / (gain + loss)
    return values


def test_level_run_counts_bars_above_and_below_the_level(check_column, rsi):
    def oracle(t):
        sign, length = np.sign(rsi[t] - 50), 0
        while np.sign(rsi[t - length] - 50) == sign:
            length += 1
        return sign * length

    check_column("btc.technical.level_run.rsi14_50", oracle)


def test_rank_divergence_is_the_price_s_rank_minus_the_indicator_s(check_column, btc, rsi):
    def rank(x, t):
        return np.mean(x[t - 50 : t] < x[t])

    check_column("btc.technical.rank_divergence.rsi.50", lambda t: rank(btc.close, t) - rank(rsi, t))


def test_acceleration_is_this_move_minus_the_one_before(check_column, btc, returns):
    def oracle(t):
        now, before = np.log(btc.close[t] / btc.close[t - 8]), np.log(btc.close[t - 8] / btc.close[t - 16])
        return (now - before) / (returns[t - 49 : t + 1].std(ddof=1) * 4)

    check_column("btc.technical.acceleration.8", oracle)


def test_discreteness_is_falling_minus_rising_share_by_the_moves_sign(check_column, btc, returns):
    def oracle(t):
        window = returns[t - 49 : t + 1]
        return ((window < 0).mean() - (window > 0).mean()) * np.sign(btc.close[t] - btc.close[t - 50])

    check_column("btc.technical.discreteness.50", oracle)


def test_gain_to_loss_compares_rising_with_falling_sizes(check_column, returns):
    def oracle(t):
        window = returns[t - 49 : t + 1]
        return np.log(window[window > 0].mean() / -window[window < 0].mean())

    check_column("btc.technical.gain_to_loss.abs_return.50", oracle)


def test_random_walk_index_is_the_reach_over_the_expected_range(check_column, btc):
    true_range = [
        max(btc.high[t], btc.close[t - 1]) - min(btc.low[t], btc.close[t - 1]) if t else np.nan
        for t in range(btc.n_bars)
    ]
    check_column(
        "btc.technical.random_walk.high.16",
        lambda t: (btc.high[t] - btc.low[t - 16]) / (np.mean(true_range[t - 16 : t]) * 4),
    )


def test_demarker(check_column, btc):
    def oracle(t):
        up = sum(max(btc.high[i] - btc.high[i - 1], 0) for i in range(t - 33, t + 1))
        down = sum(max(btc.low[i - 1] - btc.low[i], 0) for i in range(t - 33, t + 1))
        return up / (up + down)

    check_column("btc.technical.demarker.34", oracle)


def test_relative_vigor(check_column, btc):
    weights = np.array([1, 2, 2, 1])

    def oracle(t):
        bodies = [weights @ (btc.close - btc.open)[i - 3 : i + 1] for i in range(t - 29, t + 1)]
        ranges = [weights @ (btc.high - btc.low)[i - 3 : i + 1] for i in range(t - 29, t + 1)]
        return sum(bodies) / sum(ranges)

    check_column("btc.technical.vigor.line.30", oracle)
