"""Confirmed swings against a slow loop, and what must not be known too early."""

import numpy as np
import pytest

from fleetcast.data.bars import SymbolBars
from fleetcast.features.confirmed_swings import confirmed_swings
from fleetcast.features.inputs import Inputs
from fleetcast.features.memory import MEMORY_BARS


def slow_swings(high: np.ndarray, window: int) -> list[tuple[int, int]]:
    """(bar at which it is known, its own bar) of each swing high."""
    found = []
    for i in range(window, len(high) - window):
        before, after = high[i - window : i], high[i + 1 : i + window + 1]
        if high[i] > before.max() and high[i] >= after.max():
            found.append((i + window, i))
    return found


@pytest.mark.parametrize("window", [2, 5, 20])
def test_swing_highs_equal_slow_loop(walk, window):
    swings = confirmed_swings(walk, "high", window_bars=window)
    high = walk["high"]
    known = slow_swings(high, window)
    assert np.flatnonzero(swings.confirmed).tolist() == [at for at, _ in known]
    for t in range(len(high)):
        past = [bar for at, bar in known if at <= t]
        if not past:
            assert swings.bar[t] == -1
            assert np.isnan([swings.level[t], swings.age[t], swings.streak[t]]).all()
            continue
        assert swings.bar[t] == past[-1]
        assert swings.level[t] == high[past[-1]]
        assert swings.age[t] == t - past[-1]
        assert swings.streak[t] == slow_streak([high[bar] for bar in past])
        if len(past) > 1:
            assert swings.previous_level[t] == high[past[-2]]
            assert swings.previous_age[t] == t - past[-2]


def slow_streak(levels: list[float]) -> int:
    """How many swings in a row stepped the same way, with that way's sign."""
    steps = np.sign(np.diff(levels, prepend=levels[0])).tolist()
    length = 0
    while length < len(steps) and steps[-1 - length] == steps[-1]:
        length += 1
    return int(steps[-1] * length)


def test_lows_mirror_highs(walk, make_bars):
    own = make_bars()
    mirrored = SymbolBars(
        symbol="btc",
        timestamp=own.timestamp,
        open=1000 - own.open,
        high=1000 - own.low,
        low=1000 - own.high,
        close=1000 - own.close,
        volume=own.volume,
    )
    lows = confirmed_swings(walk, "low", window_bars=5)
    highs = confirmed_swings(Inputs(mirrored, bar_ms=900_000), "high", window_bars=5)
    np.testing.assert_array_equal(lows.bar, highs.bar)
    np.testing.assert_array_equal(lows.streak, -highs.streak)
    np.testing.assert_allclose(lows.level, 1000 - highs.level)


def test_swing_is_not_known_before_its_later_bars_have_closed(walk):
    swings = confirmed_swings(walk, "high", window_bars=10)
    assert np.nanmin(swings.age) == 10


def test_market_without_a_swing_has_none(make_bars):
    own = make_bars(n_bars=30)
    rising = np.arange(1.0, 31.0)
    bars = SymbolBars("btc", own.timestamp, rising, rising, rising, rising, own.volume)
    swings = confirmed_swings(Inputs(bars, bar_ms=900_000), "high", window_bars=3)
    assert not swings.confirmed.any()
    assert np.isnan(swings.level).all()


def test_swing_is_forgotten_when_its_bar_lies_too_far_back(make_bars):
    n_bars = MEMORY_BARS + 60
    own = make_bars(n_bars=n_bars)
    falling = np.linspace(50.0, 10.0, n_bars)
    falling[20] = 60.0
    bars = SymbolBars("btc", own.timestamp, falling, falling, falling, falling, own.volume)
    swings = confirmed_swings(Inputs(bars, bar_ms=900_000), "high", window_bars=3)
    assert swings.bar[20 + MEMORY_BARS] == 20
    assert swings.bar[21 + MEMORY_BARS] == -1
    assert np.isnan([swings.level[-1], swings.age[-1], swings.streak[-1]]).all()


def test_streak_counts_only_swings_that_are_remembered(make_bars):
    n_bars = MEMORY_BARS + 600
    own = make_bars(n_bars=n_bars)
    rising = np.arange(1.0, n_bars + 1) + 30 * (np.arange(n_bars) % 100 == 50)
    bars = SymbolBars("btc", own.timestamp, rising, rising, rising, rising, own.volume)
    swings = confirmed_swings(Inputs(bars, bar_ms=900_000), "high", window_bars=5)
    assert np.nanmax(swings.streak) == MEMORY_BARS // 100 - 1


def test_earlier_swings_are_counted_from_the_last(walk):
    swings = confirmed_swings(walk, "low", window_bars=3)
    low = -walk["low"]
    past = [bar for at, bar in slow_swings(low, 3) if at <= 400]
    assert [swings.nth_last_bar(n)[400] for n in range(4)] == past[:-5:-1]
