"""Bars are read alike from every form and spelling, and only those that were asked for."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleetcast.data.reader import read_bars
from fleetcast.data.snapshot import compute_dataset_rev
from fleetcast.errors import DataError

AT_5 = pl.int_range(pl.len()) == 5


def test_bundled_sample_holds_the_three_symbols_and_says_that_they_end_apart():
    bars, findings = read_bars("sample", symbols=["sol", "btc", "eth"])
    assert {symbol: one.n_bars for symbol, one in bars.bars.items()} == {"btc": 23_923, "eth": 23_923, "sol": 24_009}
    assert bars.bar_ms == 900_000
    assert [(f.kind, f.symbol, f.timestamp) for f in findings] == [
        ("remark", "btc", "2024-09-06T04:30:00Z"),
        ("remark", "eth", "2024-09-06T04:30:00Z"),
    ]


def test_correct_bars_are_read_as_they_are_and_nothing_is_said(make_frame, write):
    frame = make_frame(["BTCUSDT", "ETHUSDT"])
    bars, findings = read_bars(write(frame), symbols=None)
    assert findings == []
    assert list(bars.bars) == ["btc", "eth"]
    written = frame.filter(pl.col("symbol") == "ETHUSDT")
    np.testing.assert_array_equal(bars.bars["eth"].close, written["close"].to_numpy())
    np.testing.assert_array_equal(bars.bars["eth"].timestamp, written["timestamp"].dt.epoch("ms").to_numpy())


@pytest.mark.parametrize("name", ["bars.csv", "bars.parquet"])
def test_file_format_order_and_spelling_do_not_change_the_content(make_frame, write, name):
    plain, _ = read_bars(write(make_frame(["BTCUSDT", "ETHUSDT"]), "plain.parquet"), symbols=None)
    spelled = make_frame(["BTC/USDT", "eth-usdt"]).sample(fraction=1, shuffle=True, seed=1)
    other, _ = read_bars(write(spelled.select(reversed(spelled.columns)), name), symbols=["eth", "btc"])
    assert compute_dataset_rev(other) == compute_dataset_rev(plain)


def test_folder_is_read_as_one_whatever_its_files_are_called(make_frame, write, tmp_path):
    write(make_frame(n_bars=30, first_bar=20), "folder/a.csv")
    write(make_frame(["ETHUSDT"]), "folder/b.parquet")
    write(make_frame(n_bars=20), "folder/c.parquet")
    (tmp_path / "folder" / "notes.txt").write_text("not bars")
    bars, findings = read_bars(str(tmp_path / "folder"), symbols=None)
    assert {symbol: one.n_bars for symbol, one in bars.bars.items()} == {"btc": 50, "eth": 50}
    assert findings == []


def test_other_symbols_are_not_looked_at(make_frame, write):
    frame = make_frame(["BTCUSDT", "BADUSDT"]).with_columns(
        pl.when(pl.col("symbol") == "BADUSDT").then(-1.0).otherwise("low").alias("low")
    )
    bars, _ = read_bars(write(frame), symbols=["btc"])
    assert list(bars.bars) == ["btc"]
    with pytest.raises(DataError, match=r"low is not positive in 50 bars: bad 2024-01-01T00:00:00Z low=-1\.0"):
        read_bars(write(frame), symbols=None)


def test_two_spellings_of_one_symbol_are_refused(make_frame, write):
    frame = make_frame(["BTCUSDT", "BTC/USDC"])
    with pytest.raises(DataError, match=r"several names for one symbol: \['BTC/USDC', 'BTCUSDT'\] are all 'btc'"):
        read_bars(write(frame), symbols=None)


def test_missing_symbol_is_refused_with_those_found(make_frame, write):
    with pytest.raises(DataError, match=r"no bars of \['eth', 'sol'\] in .*: found \['btc'\]"):
        read_bars(write(make_frame()), symbols=["btc", "eth", "sol"])


@pytest.mark.parametrize("symbol", [None, "", "/"])
def test_nameless_symbol_is_refused(make_frame, write, symbol):
    frame = make_frame().with_columns(symbol=pl.when(AT_5).then(pl.lit(symbol)).otherwise("symbol"))
    with pytest.raises(DataError, match="no symbol in row 6"):
        read_bars(write(frame), symbols=None)


def test_unreadable_folder_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"no bars at .*: expected files that end in \.parquet or \.csv"):
        read_bars(str(tmp_path), symbols=None)
