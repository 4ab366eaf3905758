"""Technical columns of cycles, order, memory and shifts, against slow loops and scipy."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats


@pytest.fixture(scope="module")
def returns(btc):
    """Log returns, unknown at the first bar."""
    return np.diff(np.log(btc.close), prepend=np.nan)


def test_spectrum_is_the_periodogram_of_the_window(check_column, returns):
    def oracle(t):
        window = returns[t - 95 : t + 1]
        wave = sum(value * np.exp(2j * np.pi * i / 12) for i, value in enumerate(window))
        return abs(wave) ** 2 / (window.var(ddof=1) * 96**2 / 2)

    check_column("btc.technical.spectrum.power.log_return.12-96", oracle)


@pytest.mark.parametrize(("output", "wave"), [("in_phase", np.cos), ("quadrature", np.sin)])
def test_spectrum_s_phase_counts_from_this_bar(check_column, returns, output, wave):
    def oracle(t):
        window = returns[t - 95 : t + 1]
        total = sum(value * wave(-2 * np.pi * age / 12) for age, value in enumerate(window[::-1]))
        return total / (window.std(ddof=1) * 96 / np.sqrt(2))

    check_column(f"btc.technical.spectrum.{output}.log_return.12-96", oracle)


def orders(values):
    """How often each order of three values in a row came, as shares."""
    found = [tuple(np.argsort(values[i : i + 3])) for i in range(len(values) - 2)]
    return {order: found.count(order) / len(found) for order in itertools.permutations(range(3))}


def test_evenness_is_permutation_entropy(check_column, btc):
    def oracle(t):
        shares = orders(btc.volume[t - 101 : t + 1]).values()
        return -sum(share * math.log(share) for share in shares if share) / math.log(6)

    check_column("btc.technical.orders.evenness.volume.100", oracle)


def test_balance_is_rising_minus_falling_orders(check_column, btc):
    def oracle(t):
        shares = orders(btc.volume[t - 101 : t + 1])
        return shares[0, 1, 2] - shares[2, 1, 0]

    check_column("btc.technical.orders.balance.volume.100", oracle)


def test_shift_is_welchs_t(check_column, btc):
    volume = np.log(btc.volume)
    check_column(
        "btc.technical.shift.log_volume.50",
        lambda t: stats.ttest_ind(volume[t - 49 : t + 1], volume[t - 99 : t - 49], equal_var=False).statistic,
    )


def test_variance_shift_is_a_ratio_of_variances(check_column, returns):
    check_column(
        "btc.technical.variance_shift.log_return.50",
        lambda t: np.log(returns[t - 49 : t + 1].var(ddof=1) / returns[t - 99 : t - 49].var(ddof=1)),
    )


def test_unit_root_is_the_t_of_the_change_on_the_level(check_column, btc):
    def oracle(t):
        level = np.log(btc.volume[t - 100 : t + 1])
        fit = stats.linregress(level[:-1], np.diff(level))
        return fit.slope / fit.stderr

    check_column("btc.technical.unit_root.log_volume.100", oracle)


def test_irreversibility(check_column, returns):
    def oracle(t):
        away = [returns[i] - returns[i - 99 : i + 1].mean() for i in range(t - 100, t + 1)]
        terms = [away[i] ** 2 * away[i - 1] - away[i] * away[i - 1] ** 2 for i in range(1, 101)]
        return np.mean(terms) / returns[t - 99 : t + 1].std(ddof=1) ** 3

    check_column("btc.technical.irreversibility.log_return.100", oracle)


def test_roughness_is_hursts_exponent_less_one_half(check_column, btc):
    volume = np.log(btc.volume)

    def spread(t, n_bars):
        return np.std([volume[i] - volume[i - n_bars] for i in range(t - 99, t + 1)], ddof=1)

    check_column(
        "btc.technical.roughness.log_volume.100-4", lambda t: np.log(spread(t, 4) / spread(t, 1)) / np.log(4) - 0.5
    )
