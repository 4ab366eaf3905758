"""Symbols start together, end together, and no bar is kept that was not known at the cutoff."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fleetcast.data.alignment import align_bars
from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.errors import DataError

BAR_MS = 900_000
START = datetime(2024, 1, 1, tzinfo=UTC)


def bar_set(**places: range | list[int]) -> BarSet:
    bars = {}
    for symbol, numbers in places.items():
        timestamp = int(START.timestamp() * 1000) + BAR_MS * np.array(numbers, dtype=np.int64)
        price = np.ones(len(timestamp))
        bars[symbol] = SymbolBars(symbol, timestamp, open=price, high=price, low=price, close=price, volume=price)
    return BarSet(bars=bars, bar_ms=BAR_MS)


def numbers_of(bars: BarSet, symbol: str) -> list[int]:
    return ((bars.bars[symbol].timestamp - int(START.timestamp() * 1000)) // BAR_MS).tolist()


def test_uneven_starts_and_ends_are_trimmed_and_said():
    aligned, findings = align_bars(bar_set(btc=range(0, 10), eth=range(3, 12)), cutoff=None, n_needed=1)
    assert numbers_of(aligned, "btc") == numbers_of(aligned, "eth") == list(range(3, 10))
    assert [str(finding) for finding in findings] == [
        "repair: btc 2024-01-01T00:00:00Z: left out 3 bars before 2024-01-01T00:45:00Z, "
        "where the symbol that starts last begins",
        "repair: eth 2024-01-01T02:30:00Z: left out 2 bars after 2024-01-01T02:15:00Z, "
        "the last bar that all symbols have",
    ]


def test_even_symbols_are_kept_whole_without_a_word():
    bars = bar_set(btc=range(10), eth=range(10))
    aligned, findings = align_bars(bars, cutoff=None, n_needed=1)
    assert numbers_of(aligned, "eth") == list(range(10))
    assert findings == []


def test_gaps_stay_but_the_last_bar_is_one_that_all_have():
    aligned, _ = align_bars(bar_set(btc=[0, 1, 4, 5, 7], eth=range(7)), cutoff=None, n_needed=1)
    assert numbers_of(aligned, "btc") == [0, 1, 4, 5]
    assert numbers_of(aligned, "eth") == list(range(6))


@pytest.mark.parametrize(("minutes", "last"), [(60, 3), (74, 3), (75, 4), (10_000, 9)])
def test_cutoff_falls_back_to_the_last_close_before_it(minutes, last):
    bars = bar_set(btc=range(10), eth=range(10))
    aligned, findings = align_bars(bars, cutoff=START + timedelta(minutes=minutes), n_needed=1)
    assert numbers_of(aligned, "btc")[-1] == last
    assert findings == []


def test_last_bars_keeps_the_latest_rows():
    aligned, findings = align_bars(bar_set(btc=range(10), eth=range(10)), cutoff=None, last_bars=4, n_needed=1)
    assert numbers_of(aligned, "btc") == numbers_of(aligned, "eth") == [6, 7, 8, 9]
    assert findings == []


def test_cutoff_before_the_first_close_is_refused():
    with pytest.raises(
        DataError, match=r"no bar of eth closes by the cutoff .*first one closes at 2024-01-01T01:00:00Z"
    ):
        align_bars(bar_set(btc=range(10), eth=range(3, 10)), cutoff=START + timedelta(minutes=45), n_needed=1)


def test_symbols_without_a_common_bar_are_refused():
    with pytest.raises(DataError, match="no bar that all symbols have: btc 2024-01-01T00:00:00Z to"):
        align_bars(bar_set(btc=range(3), eth=range(5, 9)), cutoff=None, n_needed=1)


def test_too_few_common_bars_are_refused_with_the_number_needed():
    with pytest.raises(DataError, match=r"too few bars: btc has 6 bars, eth has 6 bars .* at least 7 needed"):
        align_bars(bar_set(btc=range(10), eth=range(4, 12)), cutoff=None, n_needed=7)
