"""Swings by hand: strictly beyond the bars before, after the warm-up, as far out as asked."""

import numpy as np
import pytest

from fleetcast.data.bars import SymbolBars
from fleetcast.labels.swings import SwingPath, find_swings, volatility_at


def market(n_bars: int = 260) -> SymbolBars:
    """Closes alternate between 100 and 101; highs and lows lie 0.5 beyond."""
    close = 100.0 + np.arange(n_bars) % 2
    return SymbolBars(
        "btc", np.arange(n_bars), open=close, high=close + 0.5, low=close - 0.5, close=close, volume=close
    )


def swings_of(bars: SymbolBars, swing_type: str = "high", *, window_bars: int = 3, min_deviation: float = 0.1) -> list:
    path = SwingPath.of(bars, swing_type)
    return find_swings(path, window_bars=window_bars, min_deviation=min_deviation).t.tolist()


@pytest.mark.parametrize("swing_type", ["high", "low"])
def test_bar_that_only_equals_those_before_is_no_swing(swing_type):
    bars = market()
    assert swings_of(bars, swing_type) == []
    side = bars.high if swing_type == "high" else bars.low
    side[230] += 3 if swing_type == "high" else -3
    assert swings_of(bars, swing_type) == [230]
    assert swings_of(bars, "low" if swing_type == "high" else "high") == []


def test_high_is_compared_with_exactly_the_window_before_it():
    bars = market()
    bars.high[[230, 234]] = 105.0
    assert swings_of(bars, window_bars=3) == [230, 234]
    assert swings_of(bars, window_bars=4) == [230]


def test_event_needs_200_earlier_bars_or_its_longer_mean():
    bars = market()
    bars.high[[199, 203]] = 105.0
    bars.high[[200, 210]] = 106.0
    bars.high[250] = 107.0
    assert swings_of(bars, window_bars=2) == [200, 203, 210, 250]
    assert swings_of(bars, window_bars=60) == [250]


def test_too_few_bars_hold_no_swing():
    assert swings_of(market(40), window_bars=50) == []
    assert swings_of(market(2), window_bars=3) == []


def test_only_swings_that_stand_out_far_enough_are_events():
    bars = market()
    bars.high[230] = 104.0
    path = SwingPath.of(bars, "high")
    (deviation,) = find_swings(path, window_bars=3, min_deviation=0.1).deviation
    recent = np.log(bars.close[211:231])
    assert deviation == pytest.approx((np.log(104.0) - recent.mean()) / recent.std(ddof=1))
    assert len(find_swings(path, window_bars=3, min_deviation=deviation).t) == 1
    assert len(find_swings(path, window_bars=3, min_deviation=np.nextafter(deviation, np.inf)).t) == 0


def test_volatility_is_that_of_the_last_100_returns():
    log_close = np.cumsum(np.random.default_rng(0).normal(size=150))
    found = volatility_at(log_close, np.array([99, 100, 149]))
    assert np.isnan(found[0])
    assert found[1:] == pytest.approx([np.diff(log_close[:101]).std(ddof=1), np.diff(log_close[49:]).std(ddof=1)])
