"""Columns of regimes against slow loops over their definitions."""

import numpy as np


def test_age_of_the_widest_bar(check_column, btc):
    def oracle(t):
        ranges = np.log(btc.high[t - 49 : t + 1] / btc.low[t - 49 : t + 1])
        return (49 - np.argmax(ranges)) / 50

    check_column("btc.volatility.extreme_age.largest.log_range.50", oracle)


def test_range_scaling_is_the_exponent_of_squared_ranges(check_column, btc):
    def squared(t, n):
        return np.log(btc.high[t - n + 1 : t + 1].max() / btc.low[t - n + 1 : t + 1].min()) ** 2

    def oracle(t):
        bars = range(t - 99, t + 1)
        wide, narrow = (np.mean([squared(i, n) for i in bars]) for n in (4, 1))
        return np.log(wide / narrow) / np.log(4)

    check_column("btc.volatility.range_scaling.4-100", oracle)


def test_entropy_of_variance_over_bars(check_column, btc):
    def oracle(t):
        squares = np.log(btc.high[t - 49 : t + 1] / btc.low[t - 49 : t + 1]) ** 2
        shares = squares / squares.sum()
        return -np.sum(shares * np.log(shares)) / np.log(50)

    check_column("btc.volatility.concentration.entropy.parkinson.50", oracle)
