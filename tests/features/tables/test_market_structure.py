"""Market structure columns against slow loops over their definitions."""

import numpy as np
import pytest

DAY_MS = 86_400_000


def typical(bars, t) -> float:
    return (bars.high[t] + bars.low[t] + bars.close[t]) / 3


def last_swing_high(bars, t, window) -> int:
    """Bar of the latest swing high whose later bars have closed by ``t``."""
    for i in range(t - window, window, -1):
        if bars.high[i] > max(bars.high[i - window : i]) and bars.high[i] >= max(bars.high[i + 1 : i + window + 1]):
            return i
    raise LookupError


def test_swing_high_distance_and_age(check_column, btc, atr):
    def distance(t):
        return (btc.high[last_swing_high(btc, t, 5)] - btc.close[t]) / atr[t]

    check_column("btc.market_structure.swing.high_distance.5", distance)
    check_column("btc.market_structure.swing.high_age.5", lambda t: t - last_swing_high(btc, t, 5))


def test_anchored_price_is_volume_weighted_since_the_swing(check_column, btc, atr):
    def oracle(t):
        bars = range(last_swing_high(btc, t, 10), t + 1)
        price = sum(typical(btc, i) * btc.volume[i] for i in bars) / sum(btc.volume[i] for i in bars)
        return (btc.close[t] - price) / atr[t]

    check_column("btc.market_structure.anchored_price.high.10", oracle)


def test_trend_line_goes_through_the_last_two_swing_highs(check_column, btc, atr):
    def oracle(t):
        last = last_swing_high(btc, t, 3)
        before = next(i for i in range(last - 1, 0, -1) if last_swing_high(btc, i + 3, 3) == i)
        rise = (btc.high[last] - btc.high[before]) / (last - before)
        return (btc.close[t] - (btc.high[last] + rise * (t - last))) / atr[t]

    check_column("btc.market_structure.trend_line.high.3", oracle)


def test_range_position_and_ages(check_column, btc):
    def position(t):
        high, low = btc.high[t - 49 : t + 1].max(), btc.low[t - 49 : t + 1].min()
        return (btc.close[t] - low) / (high - low)

    check_column("btc.market_structure.range.position.50", position)
    check_column("btc.market_structure.range.high_age.50", lambda t: (50 - np.argmax(btc.high[t - 50 : t + 1])) / 50)


def test_volume_below_is_share_traded_under_the_close(check_column, btc):
    def oracle(t):
        bars = range(t - 99, t + 1)
        below = sum(btc.volume[i] for i in bars if typical(btc, i) < btc.close[t])
        return below / sum(btc.volume[i] for i in bars)

    check_column("btc.market_structure.volume_below.100", oracle)


def test_touches_count_bars_near_the_top(check_column, btc, atr):
    def oracle(t):
        top = btc.high[t - 49 : t + 1].max()
        return np.sum(btc.high[t - 49 : t + 1] > top - atr[t] / 4)

    check_column("btc.market_structure.touches.top.50", oracle)


def test_breaks_are_share_of_new_highs(check_column, btc):
    def oracle(t):
        return np.mean([btc.high[i] > btc.high[i - 10 : i].max() for i in range(t - 49, t + 1)])

    check_column("btc.market_structure.breaks.up.10-50", oracle)


def test_weighted_price_zscore(check_column, btc):
    def oracle(t):
        prices = np.array([typical(btc, i) for i in range(t - 99, t + 1)])
        middle = np.average(prices, weights=btc.volume[t - 99 : t + 1])
        spread = np.average((prices - middle) ** 2, weights=btc.volume[t - 99 : t + 1])
        return (btc.close[t] - middle) / np.sqrt(spread)

    check_column("btc.market_structure.weighted_price.zscore.100", oracle)


@pytest.mark.parametrize(("level", "field", "reduce"), [("high_before", "high", max), ("low_before", "low", min)])
def test_level_of_the_day_before(check_column, btc, atr, level, field, reduce):
    def oracle(t):
        yesterday = btc.timestamp // DAY_MS == btc.timestamp[t] // DAY_MS - 1
        return (btc.close[t] - reduce(getattr(btc, field)[yesterday])) / atr[t]

    check_column(f"btc.market_structure.day.{level}", oracle)


def test_deviation_is_the_labels_own(check_column, btc):
    def oracle(t):
        window = np.log(btc.close[t - 19 : t + 1])
        return (np.log(btc.high[t]) - window.mean()) / window.std(ddof=1)

    check_column("btc.market_structure.deviation.high.20", oracle)
