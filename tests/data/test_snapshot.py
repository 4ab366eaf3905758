"""A snapshot is named by its content, never changes, and gives out nothing beyond a cutoff."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.data.findings import Finding
from fleetcast.data.snapshot import compute_dataset_rev, load_snapshot, take_snapshot
from fleetcast.errors import LookAheadError, StoreError

START = datetime(2024, 1, 1, tzinfo=UTC)
END = START + timedelta(minutes=15 * 20)
ARRAYS = ("timestamp", "open", "high", "low", "close", "volume")


@pytest.fixture
def bars() -> BarSet:
    timestamp = int(START.timestamp() * 1000) + 900_000 * np.arange(20)
    prices = {name: 100 + k + np.arange(20) / 8 for k, name in enumerate(ARRAYS[1:])}
    one = SymbolBars("btc", timestamp, **prices)
    return BarSet(bars={"btc": one, "eth": replace(one, symbol="eth").part(2, 20)}, bar_ms=900_000)


def test_loaded_snapshot_equals_what_was_taken(store, bars):
    manifest = take_snapshot(store, bars)
    loaded = load_snapshot(store, manifest.key, until=END)
    assert list(loaded.bars) == ["btc", "eth"]
    assert loaded.bar_ms == 900_000
    for symbol in bars.bars:
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(loaded.bars[symbol], name), getattr(bars.bars[symbol], name))


def test_manifest_says_what_the_snapshot_holds(store, bars):
    finding = Finding(kind="remark", symbol="btc", timestamp="2024-01-01T00:00:00Z", message="a gap")
    assert take_snapshot(store, bars, findings=[finding]).facts == {
        "symbols": ["btc", "eth"],
        "bar_seconds": 900.0,
        "n_bars": {"btc": 20, "eth": 18},
        "first": "2024-01-01T00:00:00Z",
        "cutoff": "2024-01-01T05:00:00Z",
        "findings": [finding.model_dump()],
    }


def test_taking_the_same_bars_again_writes_nothing(store, bars):
    first = take_snapshot(store, bars)
    written = store.local_path(f"snapshots/{first.key}/bars.parquet").stat().st_mtime_ns
    assert take_snapshot(store, bars, findings=[]) == first
    assert store.local_path(f"snapshots/{first.key}/bars.parquet").stat().st_mtime_ns == written


@pytest.mark.parametrize("name", ARRAYS)
def test_any_changed_value_changes_the_revision(bars, name):
    values = getattr(bars.bars["btc"], name).copy()
    values[11] += 1
    changed = replace(bars, bars={**bars.bars, "btc": replace(bars.bars["btc"], **{name: values})})
    assert compute_dataset_rev(changed) != compute_dataset_rev(bars)


def test_symbol_and_bar_length_belong_to_the_revision(bars):
    renamed = replace(bars, bars={"btc": bars.bars["btc"], "sol": bars.bars["eth"]})
    revisions = {compute_dataset_rev(b) for b in (bars, renamed, replace(bars, bar_ms=300_000))}
    assert len(revisions) == 3


def test_revision_is_pinned_across_versions(bars):
    assert compute_dataset_rev(bars) == "c6a397ee62c3ad6578e8"


def test_earlier_cutoff_gives_only_what_was_known_then(store, bars):
    manifest = take_snapshot(store, bars)
    loaded = load_snapshot(store, manifest.key, until=START + timedelta(minutes=61))
    assert {symbol: one.n_bars for symbol, one in loaded.bars.items()} == {"btc": 4, "eth": 2}


def test_cutoff_beyond_the_snapshot_is_refused(store, bars):
    manifest = take_snapshot(store, bars)
    with pytest.raises(LookAheadError, match=r"ends at 2024-01-01T05:00:00Z, asked for bars until 2024-01-01T05:00:01"):
        load_snapshot(store, manifest.key, until=END + timedelta(seconds=1))


def test_changed_object_is_refused(store, bars):
    manifest = take_snapshot(store, bars)
    store.write(f"snapshots/{manifest.key}/bars.parquet", b"something else")
    with pytest.raises(StoreError, match="does not match its manifest"):
        load_snapshot(store, manifest.key, until=END)


def test_snapshot_that_was_never_taken_is_refused(store):
    with pytest.raises(StoreError, match="has no manifest"):
        load_snapshot(store, "0" * 20, until=END)
