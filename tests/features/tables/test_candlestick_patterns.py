"""Candlestick columns of patterns: their frequency, age, company and outcome, against slow loops."""

import numpy as np
import pytest
import talib


@pytest.fixture(scope="module")
def engulfing(btc):
    """1 for a bullish engulfing bar, -1 for a bearish one, else 0."""
    return np.sign(talib.CDLENGULFING(btc.open, btc.high, btc.low, btc.close)).astype(float)


def test_share_is_mean_sign_of_the_last_bars(check_column, engulfing):
    check_column("btc.candlestick.pattern_share.engulfing.100", lambda t: engulfing[t - 99 : t + 1].mean())


@pytest.mark.parametrize(("way", "sign"), [("bullish", 1), ("bearish", -1)])
def test_age_counts_bars_since_the_last_one_of_its_direction(check_column, engulfing, way, sign):
    def oracle(t):
        age = 0
        while engulfing[t - age] != sign:
            age += 1
        return age

    check_column(f"btc.candlestick.pattern_age.engulfing_{way}", oracle)


def test_volume_weighs_a_pattern_by_how_busy_its_bar_was(check_column, btc, engulfing):
    def busy(i):
        return np.log(btc.volume[i] / btc.volume[i - 49 : i + 1].mean())

    check_column(
        "btc.candlestick.pattern_volume.engulfing.50",
        lambda t: np.mean([engulfing[i] * busy(i) for i in range(t - 49, t + 1)]),
    )


def test_followed_is_the_mean_move_after_the_pattern_shrunk_by_five(check_column, btc, atr, engulfing):
    def oracle(t):
        moves = [
            engulfing[i] * (btc.close[i + 3] - btc.close[i]) / atr[i] for i in range(t - 402, t - 2) if engulfing[i]
        ]
        return sum(moves) / (len(moves) + 5)

    check_column("btc.candlestick.pattern_followed.engulfing.3-400", oracle)


@pytest.mark.parametrize("pattern", ["longline", "doji", "engulfing"])
def test_merged_pattern_is_the_pattern_among_longer_candles(check_column, btc, pattern):
    def candles_to(end):
        ends = range(end - 4 * 60, end + 1, 4)
        rows = [
            (btc.open[e - 3], btc.high[e - 3 : e + 1].max(), btc.low[e - 3 : e + 1].min(), btc.close[e]) for e in ends
        ]
        return (np.array(column) for column in zip(*rows, strict=True))

    def oracle(t):
        found = [getattr(talib, f"CDL{pattern.upper()}")(*candles_to(end))[-1] for end in range(t - 3, t + 1)]
        return np.sign(found).mean()

    check_column(f"btc.candlestick.merged_pattern.{pattern}.4", oracle)
