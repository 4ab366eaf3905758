"""Bars lie on one grid of time; holes in it and uneven ends are said and stay."""

import polars as pl
import pytest

from fleetcast.data.reader import read_bars
from fleetcast.errors import DataError

AT_5 = pl.int_range(pl.len()) == 5


def test_gaps_stay_and_are_said(make_frame, write):
    frame = make_frame()
    bars, findings = read_bars(write(pl.concat([frame[:10], frame[13:20], frame[21:]])), symbols=None)
    assert bars.bars["btc"].n_bars == 46
    (finding,) = findings
    assert (finding.kind, finding.symbol, finding.timestamp) == ("remark", "btc", "2024-01-01T02:30:00Z")
    assert finding.message == (
        "4 bars missing in 2 gaps, which stay: 3 before 2024-01-01T03:15:00Z, 1 before 2024-01-01T05:15:00Z"
    )


def test_gap_in_real_bars_is_counted(real_gappy_bars):
    _, findings = read_bars(real_gappy_bars, symbols=None)
    assert [f.message.split(":")[0] for f in findings] == ["2 bars missing in 1 gaps, which stay"]


@pytest.fixture
def real_gappy_bars(write) -> str:
    """The first 100 bars of SOL in the bundled sample, two of them missing."""
    sample, _ = read_bars("sample", symbols=["sol"])
    one = sample.bars["sol"].part(0, 100)
    frame = pl.DataFrame({name: getattr(one, name) for name in ("timestamp", "open", "high", "low", "close", "volume")})
    return write(frame.with_columns(symbol=pl.lit("SOL/USDT")).filter(~pl.int_range(pl.len()).is_in([40, 41])))


def test_late_start_is_said(make_frame, write):
    frame = pl.concat([make_frame(), make_frame(["ETHUSDT"], n_bars=40, first_bar=10)])
    _, findings = read_bars(write(frame), symbols=None)
    (finding,) = findings
    assert (finding.symbol, finding.timestamp) == ("eth", "2024-01-01T02:30:00Z")
    assert finding.message == "starts 10 bars after the earliest symbol, with 40 bars in all"


def test_bars_off_the_grid_are_refused(make_frame, write):
    frame = make_frame().with_columns(
        timestamp=pl.when(AT_5).then(pl.col("timestamp").dt.offset_by("1m")).otherwise("timestamp")
    )
    with pytest.raises(DataError, match="1 bars lie off the grid of 900 s bars: btc 2024-01-01T01:16:00Z"):
        read_bars(write(frame), symbols=None)


def test_symbols_of_different_bar_lengths_are_refused(make_frame, write):
    hourly = make_frame(["ETHUSDT"]).filter(pl.int_range(pl.len()) % 4 == 0)
    with pytest.raises(DataError, match=r"bars of different lengths: btc 900 s, eth 3600 s"):
        read_bars(write(pl.concat([make_frame(), hourly])), symbols=None)


def test_single_bar_is_refused(make_frame, write):
    with pytest.raises(DataError, match="cannot tell the bar length"):
        read_bars(write(make_frame(n_bars=1)), symbols=None)
