"""Timestamps become UTC milliseconds; what is ambiguous is refused, what was converted is said."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.data.timestamps import to_utc
from fleetcast.errors import DataError

FILE = Path("bars.csv")
INSTANT = datetime(2024, 1, 1, 10, 15, tzinfo=UTC)
MS = int(INSTANT.timestamp() * 1000)


def frame_of(*timestamps: object) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "place": [f"line {k + 2}" for k in range(len(timestamps))],
            "symbol": ["btc"] * len(timestamps),
            "timestamp": timestamps,
        }
    )


@pytest.mark.parametrize(
    "timestamp",
    [
        "2024-01-01T10:15:00Z",
        "2024-01-01 10:15:00+00:00",
        "2024-01-01T10:15:00.000+0000",
        "2024-01-01T10:15Z",
        str(MS),
        MS,
        INSTANT,
    ],
)
def test_utc_in_any_form_is_taken_without_a_word(timestamp):
    frame, findings = to_utc(frame_of(timestamp), file=FILE)
    assert frame["timestamp"].to_list() == [MS]
    assert frame.columns == ["place", "symbol", "timestamp"]
    assert findings == []


@pytest.mark.parametrize(
    ("timestamp", "said"),
    [
        ("2024-01-01T10:15:00", "without a time zone, taken as UTC"),
        ("2024-01-01 12:15:00+02:00", "in +0200, converted to UTC"),
        ("2024-01-01 04:45:00-05:30", "in -0530, converted to UTC"),
        (INSTANT.replace(tzinfo=None), "without a time zone, taken as UTC"),
    ],
)
def test_other_or_no_zone_is_a_repair_that_is_said(timestamp, said):
    frame, (finding,) = to_utc(frame_of(timestamp), file=FILE)
    assert frame["timestamp"].to_list() == [MS]
    assert (finding.kind, finding.timestamp) == ("repair", "2024-01-01T10:15:00Z")
    assert f"bars.csv: 1 timestamps {said}" in finding.message


def test_zone_of_a_parquet_column_is_converted_and_said():
    local = frame_of(INSTANT).with_columns(pl.col("timestamp").dt.convert_time_zone("Asia/Kolkata"))
    frame, (finding,) = to_utc(local, file=FILE)
    assert frame["timestamp"].to_list() == [MS]
    assert "in Asia/Kolkata, converted to UTC" in finding.message


def test_dates_are_the_midnights_of_utc():
    frame, (finding,) = to_utc(frame_of("2024-01-01", "2024-01-02"), file=FILE)
    dates, _ = to_utc(frame_of(INSTANT.date(), INSTANT.date() + timedelta(days=1)), file=FILE)
    assert frame["timestamp"].to_list() == dates["timestamp"].to_list() == [1704067200000, 1704153600000]
    assert "taken as UTC" in finding.message


@pytest.mark.parametrize(
    ("usual", "other"),
    [
        ("2024-03-30 10:00:00+02:00", "2024-03-31 10:00:00+03:00"),
        ("2024-03-30 10:00:00Z", "2024-03-31 10:00:00+01:00"),
        ("2024-03-30 10:00:00Z", "2024-03-31 10:00:00"),
        ("2024-03-30 10:00:00", "2024-03-31 10:00:00+01:00"),
    ],
)
def test_two_zones_in_one_file_are_refused_with_their_rows(usual, other):
    with pytest.raises(DataError, match="two time zones in one file") as refusal:
        to_utc(frame_of(usual, usual, other), file=FILE)
    assert f"btc {usual} (line 2) but btc {other} (line 4)" in str(refusal.value)


@pytest.mark.parametrize("usual", ["2024-01-01T10:15:00", "2024-01-01T10:15:00Z"])
@pytest.mark.parametrize("timestamp", ["yesterday", "2024-13-01T00:00:00Z", "01/02/2024 10:00"])
def test_unreadable_text_is_refused_with_its_row_whatever_zone_it_seems_to_have(usual, timestamp):
    with pytest.raises(DataError, match=r"1 timestamps cannot be read: btc .* \(line 3\)\. Expected ISO 8601"):
        to_utc(frame_of(usual, timestamp), file=FILE)


@pytest.mark.parametrize("timestamp", [None, MS // 1000, MS * 1000])
def test_integers_that_are_no_milliseconds_are_refused(timestamp):
    with pytest.raises(
        DataError, match=r"outside of the years 1990 to 2100: btc .*\(line 3\).*milliseconds since 1970"
    ):
        to_utc(frame_of(MS, timestamp), file=FILE)


def test_parts_of_a_millisecond_are_refused():
    with pytest.raises(DataError, match="1 timestamps hold parts of a millisecond"):
        to_utc(frame_of(INSTANT + timedelta(microseconds=1)), file=FILE)


def test_other_types_are_refused():
    with pytest.raises(DataError, match="timestamp has the type Boolean"):
        to_utc(frame_of(True), file=FILE)


@given(
    seconds=st.lists(st.integers(700_000_000, 4_000_000_000), min_size=1, max_size=5),
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_any_single_offset_is_read_as_the_instant_it_means(seconds, minutes):
    zone = timezone(timedelta(minutes=minutes))
    texts = [datetime.fromtimestamp(second, tz=zone).isoformat() for second in seconds]
    frame, _ = to_utc(frame_of(*texts), file=FILE)
    assert frame["timestamp"].to_list() == [second * 1000 for second in seconds]
