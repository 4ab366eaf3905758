"""Columns of confirmed swings against slow loops over their definitions."""

from itertools import pairwise

import numpy as np

from fleetcast.data.bars import SymbolBars


def swing_bars(prices: np.ndarray, t: int, window: int) -> list[int]:
    """Bars of all swing highs of ``prices`` whose later bars have closed by ``t``, the latest last."""
    return [
        i
        for i in range(window, t - window + 1)
        if prices[i] > max(prices[i - window : i]) and prices[i] >= max(prices[i + 1 : i + window + 1])
    ]


def highs_and_lows(bars: SymbolBars, t: int, window: int) -> tuple[list[int], list[int]]:
    return swing_bars(bars.high, t, window), swing_bars(-bars.low, t, window)


def test_higher_highs_are_counted_when_they_are_confirmed(check_column, btc):
    def oracle(t):
        bars = swing_bars(btc.high, t, 5)
        rose = [j + 5 > t - 100 and btc.high[j] > btc.high[i] for i, j in pairwise(bars)]
        return 5 * sum(rose) / 100

    check_column("btc.market_structure.swing_count.higher_highs.5-100", oracle)


def test_leg_volume_is_mean_since_the_pivot_against_the_leg_before(check_column, btc):
    def oracle(t):
        highs, lows = highs_and_lows(btc, t, 10)
        start, pivot = sorted((highs[-1], lows[-1]))
        return np.log(np.mean(btc.volume[pivot + 1 : t + 1]) / np.mean(btc.volume[start + 1 : pivot + 1]))

    check_column("btc.market_structure.leg.volume.10", oracle)


def test_leg_duration_compares_the_last_two_legs(check_column, btc):
    def oracle(t):
        highs, lows = highs_and_lows(btc, t, 5)
        start, pivot = sorted((highs[-1], lows[-1]))
        before = (highs if highs[-1] > lows[-1] else lows)[-2]
        return np.log((pivot - start) / (abs(start - before) + 1))

    check_column("btc.market_structure.leg.duration.5", oracle)


def test_volume_step_compares_the_bars_of_two_swings(check_column, btc):
    def relative(i):
        return np.log(btc.volume[i] / np.mean(btc.volume[i - 49 : i + 1]))

    def oracle(t):
        lows = swing_bars(-btc.low, t, 10)
        return relative(lows[-1]) - relative(lows[-2])

    check_column("btc.market_structure.swing_character.low_volume_step.10", oracle)


def test_channel_width_is_distance_between_the_lines_now(check_column, btc, atr):
    def line(prices, bars, t):
        before, last = bars[-2:]
        return prices[last] + (prices[last] - prices[before]) / (last - before) * (t - last)

    def oracle(t):
        highs, lows = highs_and_lows(btc, t, 5)
        return (line(btc.high, highs, t) - line(btc.low, lows, t)) / atr[t]

    check_column("btc.market_structure.channel.width.5", oracle)


def test_swing_size_is_mean_height_of_four_legs(check_column, btc, atr):
    def oracle(t):
        highs, lows = highs_and_lows(btc, t, 10)
        return np.mean([abs(btc.high[highs[-n]] - btc.low[lows[-n]]) for n in range(1, 5)]) / atr[t]

    check_column("btc.market_structure.swing_size.mean.10", oracle)
