"""Columns of levels against slow loops over their definitions."""

import numpy as np
import pytest


def swing_highs(high: np.ndarray, t: int, window: int) -> list[int]:
    """Bars of all swing highs whose later bars have closed by ``t``."""
    return [
        i
        for i in range(window, t - window + 1)
        if high[i] > max(high[i - window : i]) and high[i] >= max(high[i + 1 : i + window + 1])
    ]


@pytest.fixture(scope="module")
def broken_at(btc):
    """The bar and the level of each close above the last swing high of 5 bars, over the whole history."""
    known = swing_highs(btc.high, btc.n_bars - 1, 5)

    def level(t):
        past = [i for i in known if i + 5 <= t]
        return btc.high[past[-1]] if past else np.inf

    levels = [level(t) for t in range(btc.n_bars)]
    beyond = [btc.close[t] > levels[t] for t in range(btc.n_bars)]
    return [(t, levels[t]) for t in range(1, btc.n_bars) if beyond[t] and not beyond[t - 1]]


def test_breaker_is_the_level_that_was_closed_above_last(check_column, btc, atr, broken_at):
    def last(t):
        return [(i, level) for i, level in broken_at if i <= t][-1]

    check_column("btc.market_structure.breaker.up_distance.5", lambda t: (btc.close[t] - last(t)[1]) / atr[t])
    check_column("btc.market_structure.breaker.up_age.5", lambda t: t - last(t)[0])


def test_nearest_level_above_is_among_the_last_six_highs_and_lows(check_column, btc, atr):
    def oracle(t):
        levels = [btc.high[i] for i in swing_highs(btc.high, t, 3)[-6:]]
        levels += [btc.low[i] for i in swing_highs(-btc.low, t, 3)[-6:]]
        return min([20.0, *((level - btc.close[t]) / atr[t] for level in levels if level >= btc.close[t])])

    check_column("btc.market_structure.near_level.above.3", oracle)


def test_traffic_is_share_of_bars_that_hold_the_close(check_column, btc):
    def oracle(t):
        return np.mean([btc.low[i] <= btc.close[t] <= btc.high[i] for i in range(t - 50, t)])

    check_column("btc.market_structure.traffic.50", oracle)


def test_after_breaks_is_mean_move_of_the_bars_that_followed(check_column, btc, atr):
    def oracle(t):
        moves = []
        for i in range(t - 199, t + 1):
            start = i - 5
            if btc.close[start] > btc.high[start - 10 : start].max():
                moves.append((btc.close[i] - btc.close[start]) / atr[start])
        return np.mean(moves)

    check_column("btc.market_structure.after_breaks.up_move.10-5-200", oracle)


def test_price_gap_is_the_last_between_three_bars(check_column, btc, atr):
    def oracle(t):
        at = next(i for i in range(t, 0, -1) if btc.low[i] > btc.high[i - 2])
        return (btc.close[t] - btc.low[at]) / atr[t]

    check_column("btc.market_structure.price_gap.up_distance.0", oracle)
