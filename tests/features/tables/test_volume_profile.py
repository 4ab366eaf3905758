"""Volume by price against slow loops over its definition."""

import numpy as np
import pytest

N_BINS = 24


def typical(bars, t) -> float:
    return (bars.high[t] + bars.low[t] + bars.close[t]) / 3


def profile(bars, t, period) -> tuple[np.ndarray, float, float]:
    """Volume by bin, the lowest price, and a bin's width."""
    prices = [typical(bars, i) for i in range(t - period + 1, t + 1)]
    low, width = min(prices), (max(prices) - min(prices)) / N_BINS
    sums = np.zeros(N_BINS)
    for i, price in zip(range(t - period + 1, t + 1), prices, strict=True):
        sums[min(int((price - low) / width), N_BINS - 1)] += bars.volume[i]
    return sums, low, width


def value_area(sums) -> tuple[int, int]:
    """First and last bin that hold 70 % around the fullest, the larger neighbour first."""
    bottom = top = int(np.argmax(sums))
    while sums[bottom : top + 1].sum() < 0.7 * sums.sum():
        below = sums[bottom - 1] if bottom else -1
        over = sums[top + 1] if top < N_BINS - 1 else -1
        bottom, top = (bottom, top + 1) if over >= below else (bottom - 1, top)
    return bottom, top


def test_peak_is_the_bin_of_most_volume(check_column, btc, atr):
    def oracle(t):
        sums, low, width = profile(btc, t, 100)
        return (btc.close[t] - (low + (np.argmax(sums) + 0.5) * width)) / atr[t]

    check_column("btc.market_structure.profile.peak.100", oracle)


@pytest.mark.parametrize(("output", "sign"), [("value_high", 1), ("value_low", -1)])
def test_value_area_grows_from_the_peak_to_70_percent(check_column, btc, atr, output, sign):
    def oracle(t):
        sums, low, width = profile(btc, t, 50)
        bottom, top = value_area(sums)
        edge = low + (top + 1) * width if sign > 0 else low + bottom * width
        return sign * (edge - btc.close[t]) / atr[t]

    check_column(f"btc.market_structure.profile.{output}.50", oracle)


def test_tilt_is_weighted_less_plain_mean_price(check_column, btc, atr):
    def oracle(t):
        prices = [typical(btc, i) for i in range(t - 49, t + 1)]
        return (np.average(prices, weights=btc.volume[t - 49 : t + 1]) - np.mean(prices)) / atr[t]

    check_column("btc.market_structure.volume_tilt.50", oracle)
