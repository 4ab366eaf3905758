"""Faults of bars as the reader meets them in files: order and repetition are repaired and said, prices never."""

import polars as pl
import pytest

from fleetcast.data.reader import read_bars
from fleetcast.data.snapshot import compute_dataset_rev
from fleetcast.errors import DataError

AT_5 = pl.int_range(pl.len()) == 5


def test_unsorted_bars_are_sorted_and_the_first_offender_is_said(make_frame, write):
    frame = make_frame(["BTCUSDT", "ETHUSDT"])
    swapped = pl.concat([frame[:10], frame[11:12], frame[10:11], frame[12:]])
    bars, findings = read_bars(write(swapped), symbols=None)
    assert compute_dataset_rev(bars) == compute_dataset_rev(read_bars(write(frame), symbols=None)[0])
    (finding,) = findings
    assert (finding.kind, finding.symbol, finding.timestamp) == ("repair", "btc", "2024-01-01T02:30:00Z")
    assert "sorted; 1 bars came after a later one, the first in row 12" in finding.message


def test_bars_sorted_by_time_before_symbol_are_in_order(make_frame, write):
    frame = make_frame(["BTCUSDT", "ETHUSDT"]).sort("timestamp", "symbol")
    assert read_bars(write(frame), symbols=None)[1] == []


def test_exact_repetitions_are_dropped_and_said(make_frame, write):
    frame = make_frame()
    bars, findings = read_bars(write(pl.concat([frame, frame[7:9], frame[7:8]]).sort("timestamp")), symbols=None)
    assert bars.bars["btc"].n_bars == 50
    (finding,) = findings
    assert (finding.kind, finding.symbol, finding.timestamp) == ("repair", "btc", "2024-01-01T01:45:00Z")
    assert finding.message.startswith("dropped 3 bars that repeat another exactly: 2024-01-01T01:45:00Z")


def test_two_bars_of_one_time_that_differ_are_refused(make_frame, write):
    frame = make_frame()
    other = frame[7:8].with_columns(close=pl.col("close") + 0.01)
    expected = r"1 times have bars that differ: btc 2024-01-01T01:45:00Z close=\S+ \(bars.parquet row 8\)"
    with pytest.raises(DataError, match=expected):
        read_bars(write(pl.concat([frame, other])), symbols=None)


def test_missing_volume_becomes_zero_and_is_said(make_frame, write):
    frame = make_frame().with_columns(volume=pl.when(AT_5).then(None).otherwise("volume"))
    bars, findings = read_bars(write(frame), symbols=None)
    assert bars.bars["btc"].volume[5] == 0
    (finding,) = findings
    assert (finding.kind, finding.timestamp) == ("repair", "2024-01-01T01:15:00Z")
    assert "took a missing volume as 0 in 1 bars" in finding.message


def test_volume_that_is_missing_throughout_becomes_zero(make_frame, write):
    bars, _ = read_bars(write(make_frame().with_columns(volume=pl.lit(None))), symbols=None)
    assert not bars.bars["btc"].volume.any()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("close", "abc", r"close is not a finite number in 1 bars: btc 2024-01-01T01:15:00Z close='abc' \(line 7\)"),
        ("open", "1,000", r"open is not a finite number .* open='1,000'"),
        ("high", "", r"high is not a finite number .* high=(''|None)"),
        ("volume", "many", r"volume is not a finite number .* volume='many'"),
    ],
)
def test_text_in_a_number_is_refused_with_its_line(make_frame, write, column, value, message):
    text = make_frame().with_columns(pl.when(AT_5).then(pl.lit(value)).otherwise(pl.col(column)).alias(column))
    with pytest.raises(DataError, match=message):
        read_bars(write(text, "bars.csv"), symbols=None)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
def test_missing_or_infinite_price_is_refused(make_frame, write, column, value):
    frame = make_frame().with_columns(pl.when(AT_5).then(value).otherwise(column).alias(column))
    what = "is missing" if value is None else "is not a finite number"
    with pytest.raises(DataError, match=rf"{column} {what} in 1 bars: btc .*01:15:00Z .* \(row 6\)"):
        read_bars(write(frame), symbols=None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": 0.0}, "low is not positive in 1 bars: btc 2024-01-01T01:15:00Z"),
        ({"low": -3.0}, r"low is not positive .* low=-3\.0"),
        ({"low": 900.0, "high": 1000.0}, "low is above open, high or close in 1 bars"),
        ({"high": 1.0, "low": 0.5}, "high is below open or close in 1 bars"),
        ({"high": 1e308}, r"high is beyond any market's in 1 bars: .* high=1e\+308"),
        ({"volume": -1.0}, r"volume is negative in 1 bars: .* volume=-1\.0"),
    ],
)
def test_impossible_bar_is_refused(make_frame, write, changes, message):
    spoilt = [pl.when(AT_5).then(value).otherwise(column).alias(column) for column, value in changes.items()]
    with pytest.raises(DataError, match=message):
        read_bars(write(make_frame().with_columns(spoilt)), symbols=None)


def test_refusal_shows_three_offenders_and_counts_the_rest(make_frame, write):
    with pytest.raises(DataError, match=r"in 50 bars: (btc \S+ close=-1\.0 \(row \d\)(, )?){3} and 47 more"):
        read_bars(write(make_frame().with_columns(close=pl.lit(-1.0))), symbols=None)
