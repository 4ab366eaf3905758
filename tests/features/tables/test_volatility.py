"""Volatility columns against slow loops over their definitions."""

import numpy as np
import pytest


def log_mean(values) -> float:
    return np.log(np.mean(values)) / 2


def one_parkinson(bars, t) -> float:
    return np.log(bars.high[t] / bars.low[t]) ** 2 / (4 * np.log(2))


def one_garman_klass(bars, t) -> float:
    width, body = np.log(bars.high[t] / bars.low[t]), np.log(bars.close[t] / bars.open[t])
    return 0.5 * width**2 - (2 * np.log(2) - 1) * body**2


def one_rogers_satchell(bars, t) -> float:
    up = np.log(bars.high[t] / bars.close[t]) * np.log(bars.high[t] / bars.open[t])
    return up + np.log(bars.low[t] / bars.close[t]) * np.log(bars.low[t] / bars.open[t])


def one_return(bars, t) -> float:
    return float(np.log(bars.close[t] / bars.close[t - 1]))


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("parkinson", one_parkinson),
        ("garman_klass", one_garman_klass),
        ("rogers_satchell", one_rogers_satchell),
        ("squared_return", lambda bars, t: one_return(bars, t) ** 2),
    ],
)
def test_level_is_log_of_root_mean_variance(check_column, btc, name, one):
    check_column(f"btc.volatility.level.{name}.20", lambda t: log_mean([one(btc, i) for i in range(t - 19, t + 1)]))


def test_horizon_ratio_is_short_over_long(check_column, btc):
    def oracle(t):
        short, long = ([one_parkinson(btc, i) for i in range(t - n + 1, t + 1)] for n in (5, 50))
        return log_mean(short) - log_mean(long)

    check_column("btc.volatility.horizon_ratio.parkinson.5-50", oracle)


def test_yang_zhang(check_column, btc):
    def oracle(t):
        bars = range(t - 9, t + 1)
        gap = np.var([np.log(btc.open[i] / btc.close[i - 1]) for i in bars], ddof=1)
        body = np.var([np.log(btc.close[i] / btc.open[i]) for i in bars], ddof=1)
        k = 0.34 / (1.34 + 11 / 9)
        return np.log(gap + k * body + (1 - k) * np.mean([one_rogers_satchell(btc, i) for i in bars])) / 2

    check_column("btc.volatility.yang_zhang.10", oracle)


def test_semi_balance_is_up_minus_down_over_both(check_column, btc):
    def oracle(t):
        returns = np.array([one_return(btc, i) for i in range(t - 49, t + 1)])
        up, down = (returns[returns > 0] ** 2).sum(), (returns[returns < 0] ** 2).sum()
        return (up - down) / (up + down)

    check_column("btc.volatility.semi_balance.50", oracle)


def test_jumps_are_what_bipower_variation_leaves(check_column, btc):
    def oracle(t):
        sizes = np.array([abs(one_return(btc, i)) for i in range(t - 50, t + 1)])
        realised = np.mean(sizes[1:] ** 2)
        return (realised - np.pi / 2 * np.mean(sizes[1:] * sizes[:-1])) / realised

    check_column("btc.volatility.jumps.50", oracle)


def test_choppiness(check_column, btc):
    def oracle(t):
        bars = range(t - 13, t + 1)
        path = sum(max(btc.high[i], btc.close[i - 1]) - min(btc.low[i], btc.close[i - 1]) for i in bars)
        width = max(btc.high[i] for i in bars) - min(btc.low[i] for i in bars)
        return np.log(path / width) / np.log(14)

    check_column("btc.volatility.choppiness.14", oracle)


def test_ulcer_is_root_mean_square_fall_from_the_highest_close(check_column, btc):
    def oracle(t):
        falls = [np.log(btc.close[i] / btc.close[i - 13 : i + 1].max()) for i in range(t - 13, t + 1)]
        unit = np.std([one_return(btc, i) for i in range(t - 49, t + 1)], ddof=1)
        return np.sqrt(np.mean(np.square(falls))) / (unit * np.sqrt(14))

    check_column("btc.volatility.ulcer.fall.14", oracle)


def test_barrier_is_the_labels_own_scale(check_column, btc):
    check_column(
        "btc.volatility.barrier.100", lambda t: np.std([one_return(btc, i) for i in range(t - 99, t + 1)], ddof=1)
    )
