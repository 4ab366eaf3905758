"""Technical columns of statistics."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def returns(btc):
    """Log returns, unknown at the first bar."""
    return np.diff(np.log(btc.close), prepend=np.nan)


def test_autocorrelation_is_with_the_returns_before(check_column, returns):
    check_column(
        "btc.technical.autocorrelation.log_return.100-3",
        lambda t: np.corrcoef(returns[t - 99 : t + 1], returns[t - 102 : t - 2])[0, 1],
    )


def test_variance_ratio(check_column, btc, returns):
    def oracle(t):
        long = [np.log(btc.close[i] / btc.close[i - 4]) for i in range(t - 199, t + 1)]
        return np.var(long, ddof=1) / (4 * np.var(returns[t - 199 : t + 1], ddof=1))

    check_column("btc.technical.variance_ratio.200-4", oracle)


def test_quantile_asymmetry(check_column, returns):
    def oracle(t):
        low, middle, high = np.quantile(returns[t - 99 : t + 1], [0.1, 0.5, 0.9], method="inverted_cdf")
        return (high + low - 2 * middle) / (high - low)

    check_column("btc.technical.quantiles.asymmetry.100", oracle)


def test_sign_changes_are_share_of_turns(check_column, returns):
    check_column(
        "btc.technical.sign_changes.20",
        lambda t: np.mean([returns[i] * returns[i - 1] < 0 for i in range(t - 19, t + 1)]),
    )


def test_return_run_counts_closes_on_one_side_of_the_average(check_column, btc):
    def side(t):
        return np.sign(btc.close[t] - btc.close[t - 19 : t + 1].mean())

    def oracle(t):
        length = 0
        while side(t - length) == side(t):
            length += 1
        return side(t) * length

    check_column("btc.technical.return_run.20", oracle)


def test_leverage_is_the_return_before_against_the_size_after(check_column, returns):
    check_column(
        "btc.technical.leverage.100",
        lambda t: np.corrcoef(returns[t - 100 : t], np.abs(returns[t - 99 : t + 1]))[0, 1],
    )
