"""Candlestick columns of sequences, against slow loops."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def rose(btc):
    """Whether each bar closed above the one before."""
    return np.concatenate([[False], btc.close[1:] > btc.close[:-1]])


def test_setup_counts_closes_beyond_the_one_four_bars_before(check_column, btc):
    def oracle(t):
        sign = np.sign(btc.close[t] - btc.close[t - 4])
        length = 0
        while sign and np.sign(btc.close[t - length] - btc.close[t - length - 4]) == sign:
            length += 1
        return sign * length

    check_column("btc.candlestick.setup.4", oracle)


def test_after_sequence_is_the_share_of_rises_after_the_same_directions(check_column, rose):
    def oracle(t):
        same = [i for i in range(t - 199, t + 1) if (rose[i - 2 : i] == rose[t - 1 : t + 1]).all()]
        return (sum(rose[i] for i in same) + 1) / (len(same) + 2)

    check_column("btc.candlestick.after_sequence.rise.2-200", oracle)


def test_repeats_is_how_much_likelier_a_rise_is_after_a_rise(check_column, rose):
    def oracle(t):
        window = range(t - 99, t + 1)
        return np.mean([rose[i] for i in window if rose[i - 1]]) - np.mean([rose[i] for i in window])

    check_column("btc.candlestick.repeats.up_close.100", oracle)


def test_follows_is_the_move_after_a_kind_of_bar(check_column, btc, atr):
    def oracle(t):
        inside = [i for i in range(t - 202, t - 2) if btc.high[i] <= btc.high[i - 1] and btc.low[i] >= btc.low[i - 1]]
        return sum((btc.close[i + 3] - btc.close[i]) / atr[i + 3] for i in inside) / (len(inside) + 5)

    check_column("btc.candlestick.follows.inside.200", oracle)


def test_by_volume_is_the_weighted_minus_the_plain_shape(check_column, btc):
    def oracle(t):
        window = slice(t - 49, t + 1)
        body = (btc.close[window] - btc.open[window]) / (btc.high[window] - btc.low[window])
        return np.average(body, weights=btc.volume[window]) - body.mean()

    check_column("btc.candlestick.by_volume.body.50", oracle)


def test_by_direction_is_rising_minus_falling_bars(check_column, btc, rose):
    fell = np.concatenate([[False], btc.close[1:] < btc.close[:-1]])

    def oracle(t):
        position = (btc.close - btc.low) / (btc.high - btc.low)
        window = range(t - 49, t + 1)
        return np.mean([position[i] for i in window if rose[i]]) - np.mean([position[i] for i in window if fell[i]])

    check_column("btc.candlestick.by_direction.close_position.50", oracle)


def test_largest_has_a_size_and_an_age(check_column, btc, atr):
    size = (btc.high - btc.low) / atr
    check_column("btc.candlestick.largest.size.range_atr.50", lambda t: size[t - 49 : t + 1].max())

    def age(t):
        return t - max(i for i in range(t + 1) if i >= 63 and size[i] == size[i - 49 : i + 1].max())

    check_column("btc.candlestick.largest.age.range_atr.50", age)
