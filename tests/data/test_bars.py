"""Bars share one timeline, and cutting keeps only what is known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fleetcast.data.bars import BarSet, SymbolBars, bars_needed, mean_bars

BAR_MS = 900_000
START = datetime(2024, 1, 1, tzinfo=UTC)


def bars_at(symbol: str, places: list[int]) -> SymbolBars:
    timestamp = int(START.timestamp() * 1000) + BAR_MS * np.array(places, dtype=np.int64)
    price = np.ones(len(places))
    return SymbolBars(symbol, timestamp, open=price, high=price, low=price, close=price, volume=price)


@pytest.fixture
def bar_set() -> BarSet:
    return BarSet(bars={"btc": bars_at("btc", [0, 1, 3, 4]), "eth": bars_at("eth", [2, 3, 4, 5])}, bar_ms=BAR_MS)


def test_timeline_is_the_union_and_rows_find_each_bar_in_it(bar_set):
    assert len(bar_set.timeline) == 6
    assert bar_set.rows("btc").tolist() == [0, 1, 3, 4]
    assert bar_set.rows("eth").tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize(("minutes", "n_known"), [(60, 3), (59.9, 2), (75, 4), (30, 2)])
def test_bar_is_known_at_its_close_and_not_before(bar_set, minutes, n_known):
    assert bar_set.cut(START + timedelta(minutes=minutes)).bars["btc"].n_bars == n_known


def test_between_keeps_both_ends(bar_set):
    kept = bar_set.between(int(bar_set.timeline[1]), int(bar_set.timeline[3]))
    assert kept.timeline.tolist() == bar_set.timeline[1:4].tolist()


def test_bars_needed_hold_one_event_of_the_widest_window_and_its_horizon():
    assert bars_needed([2, 50], [5, 100]) == 301
    assert bars_needed([100], [10]) == mean_bars(100) + 10 == 410
    assert bars_needed([], []) == 201
