"""Columns of asymmetry and dependence against slow loops over their definitions."""

import numpy as np


def log_range(bars, t) -> float:
    return float(np.log(bars.high[t] / bars.low[t]))


def test_excursions_compare_rises_and_falls_from_the_open(check_column, btc):
    def oracle(t):
        bars = range(t - 19, t + 1)
        up = np.mean([np.log(btc.high[i] / btc.open[i]) for i in bars])
        return np.log(up / np.mean([np.log(btc.open[i] / btc.low[i]) for i in bars]))

    check_column("btc.volatility.excursions.20", oracle)


def test_rising_range_compares_rising_and_falling_bars(check_column, btc):
    def oracle(t):
        bars = range(t - 49, t + 1)
        up = [log_range(btc, i) for i in bars if btc.close[i] > btc.close[i - 1]]
        return np.log(np.mean(up) / np.mean([log_range(btc, i) for i in bars if btc.close[i] < btc.close[i - 1]]))

    check_column("btc.volatility.rising_range.50", oracle)


def test_high_low_spread_is_that_of_corwin_and_schultz(check_column, btc):
    k = 3 - 2 * np.sqrt(2)

    def spread(t):
        beta = log_range(btc, t) ** 2 + log_range(btc, t - 1) ** 2
        gamma = np.log(max(btc.high[t - 1 : t + 1]) / min(btc.low[t - 1 : t + 1])) ** 2
        alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / k - np.sqrt(gamma / k)
        return 2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha))

    def oracle(t):
        bars = range(t - 19, t + 1)
        return np.mean([spread(i) for i in bars]) / np.mean([log_range(btc, i) for i in bars])

    check_column("btc.volatility.high_low_spread.20", oracle)


def test_median_of_three_neighbours(check_column, btc):
    def size(t):
        return abs(np.log(btc.close[t] / btc.close[t - 1]))

    def oracle(t):
        bars = range(t - 49, t + 1)
        robust = np.mean([np.median([size(i), size(i - 1), size(i - 2)]) ** 2 for i in bars])
        robust *= np.pi / (6 - 4 * np.sqrt(3) + np.pi)
        return np.log(robust / np.mean([size(i) ** 2 for i in bars]))

    check_column("btc.volatility.neighbours.median.50", oracle)
