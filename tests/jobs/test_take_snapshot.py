"""take-snapshot: good bars become one snapshot, bad ones a line on stderr, exit code 2 and nothing in the store."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleetcast.data.snapshot import load_snapshot
from fleetcast.jobs.main import run
from fleetcast.store.objects import Store

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
N_BARS = 350
AT_5 = (pl.int_range(pl.len()) == 5) & (pl.col("symbol") == "BTCUSDT")
START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def frame() -> pl.DataFrame:
    """Correct 15-minute bars of three symbols."""
    frames = []
    for k, symbol in enumerate(SYMBOLS):
        path = np.round(100 * np.exp(np.cumsum(np.random.default_rng(k).normal(scale=0.01, size=N_BARS + 1))), 2)
        opened, closed = path[:-1], path[1:]
        frames.append(
            pl.DataFrame(
                {
                    "timestamp": int(START.timestamp() * 1000) + 900_000 * np.arange(N_BARS),
                    "symbol": [symbol] * N_BARS,
                    "open": opened,
                    "high": np.maximum(opened, closed) + 0.5,
                    "low": np.minimum(opened, closed) - 0.5,
                    "close": closed,
                    "volume": 10.0 + np.arange(N_BARS),
                }
            )
        )
    return pl.concat(frames).with_columns(pl.col("timestamp").cast(pl.Datetime("ms", "UTC")))


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., int]:
    """Writes a frame, or takes a path, and runs the command on it."""

    def take_bars(bars: pl.DataFrame | Path, *flags: str, csv: bool = False) -> int:
        path = bars
        if isinstance(bars, pl.DataFrame):
            path = tmp_path / ("bars.csv" if csv else "bars.parquet")
            bars.write_csv(path) if csv else bars.write_parquet(path)
        named = ["--store", (tmp_path / "store").as_uri(), "--request", "r1", "--bars", str(path)]
        fleet = ["--symbols", "btc,eth,sol", "--window-bars", "2,50", "--horizon-bars", "5,100"]
        return run(["take-snapshot", *named, *fleet, *flags])

    return take_bars


@pytest.fixture
def refused(take, tmp_path, capsys) -> Callable[..., str]:
    """Runs the command; gives its message after checking that it ended as a refusal has to."""

    def refuse(bars: pl.DataFrame | Path, *flags: str, csv: bool = False) -> str:
        assert take(bars, *flags, csv=csv) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        (line,) = captured.err.splitlines()
        assert line.startswith("take-snapshot: ")
        assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []
        return line

    return refuse


def request_facts(tmp_path: Path, request: str = "r1") -> dict:
    return json.loads((tmp_path / "store" / "requests" / request / "manifest.json").read_text())["facts"]


def test_good_bars_become_a_snapshot_that_its_request_names(frame, take, tmp_path, capsys):
    assert take(frame) == 0
    facts = request_facts(tmp_path)
    assert facts["cutoff"] == "2024-01-04T15:30:00Z"
    assert facts["findings"] == []
    assert facts["n_bars"] == {"btc": N_BARS, "eth": N_BARS, "sol": N_BARS}
    assert capsys.readouterr().out == f"snapshot {facts['dataset_rev']} up to 2024-01-04T15:30:00Z\n"
    bars = load_snapshot(
        Store((tmp_path / "store").as_uri()), facts["dataset_rev"], until=datetime.fromisoformat(facts["cutoff"])
    )
    np.testing.assert_array_equal(bars.bars["eth"].close, frame.filter(symbol="ETHUSDT")["close"].to_numpy())


def test_second_taking_of_a_request_finds_the_first_ones_snapshot(frame, take, tmp_path, capsys):
    assert take(frame) == 0
    assert take(tmp_path / "bars that are gone.csv") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second


def test_effective_cutoff_is_the_last_close_that_all_symbols_have(frame, take, tmp_path):
    shorter = frame.filter(~((pl.col("symbol") == "SOLUSDT") & (pl.int_range(pl.len()).over("symbol") >= 340)))
    assert take(shorter) == 0
    facts = request_facts(tmp_path)
    assert facts["cutoff"] == "2024-01-04T13:00:00Z"
    assert facts["n_bars"] == {"btc": 340, "eth": 340, "sol": 340}
    assert [(f["kind"], f["symbol"]) for f in facts["findings"]] == [
        ("remark", "sol"),
        ("repair", "btc"),
        ("repair", "eth"),
    ]


def test_no_bar_that_closes_after_the_cutoff_is_stored(frame, take, tmp_path):
    assert take(frame, "--cutoff", "2024-01-04T10:05:00Z", "--last-bars", "310") == 0
    facts = request_facts(tmp_path)
    assert facts["cutoff"] == "2024-01-04T10:00:00Z"
    assert facts["requested_cutoff"] == "2024-01-04T10:05:00+00:00"
    assert facts["n_bars"]["btc"] == 310
    stored = pl.read_parquet(tmp_path / "store" / "snapshots" / facts["dataset_rev"] / "bars.parquet")
    assert stored["timestamp"].max() == datetime(2024, 1, 4, 9, 45, tzinfo=UTC)


def test_csv_and_parquet_of_the_same_bars_give_the_same_revision(frame, take, tmp_path):
    assert take(frame) == 0
    assert take(frame.sample(fraction=1, shuffle=True, seed=3), "--request", "r2", csv=True) == 0
    first, second = request_facts(tmp_path), request_facts(tmp_path, "r2")
    assert first["dataset_rev"] == second["dataset_rev"]


def test_missing_column_is_refused(frame, refused):
    assert "no column 'volume'" in refused(frame.drop("volume"))


def test_misnamed_column_is_refused_with_the_name_that_stands_there(frame, refused):
    assert "expected 'close', found 'clos'" in refused(frame.rename({"close": "clos"}))


def test_text_in_a_price_is_refused_with_its_line(frame, refused):
    spoilt = frame.with_columns(close=pl.when(AT_5).then(pl.lit("n/a")).otherwise(pl.col("close")))
    message = refused(spoilt, csv=True)
    assert "close is not a finite number in 1 bars: btc 2024-01-01T01:15:00Z close='n/a' (line 7)" in message


def test_nan_in_a_price_is_refused(frame, refused):
    spoilt = frame.with_columns(open=pl.when(AT_5).then(float("nan")).otherwise("open"))
    assert "open is not a finite number in 1 bars: btc 2024-01-01T01:15:00Z open=nan (row 6)" in refused(spoilt)


def test_negative_price_is_refused(frame, refused):
    spoilt = frame.with_columns(low=pl.when(AT_5).then(-1.0).otherwise("low"))
    assert "low is not positive in 1 bars: btc 2024-01-01T01:15:00Z low=-1.0 (row 6)" in refused(spoilt)


def test_unsorted_bars_are_repaired_and_said(frame, take, tmp_path):
    assert take(frame.reverse()) == 0
    findings = request_facts(tmp_path)["findings"]
    assert [(f["kind"], f["symbol"], f["timestamp"]) for f in findings] == [
        ("repair", "sol", "2024-01-04T15:00:00Z"),
        ("repair", "eth", "2024-01-04T15:00:00Z"),
        ("repair", "btc", "2024-01-04T15:00:00Z"),
    ]
    assert all("sorted; 349 bars" in f["message"] for f in findings)


def test_exact_duplicates_are_repaired_and_said(frame, take, tmp_path):
    assert take(pl.concat([frame, frame[3:4]]).sort("symbol", "timestamp")) == 0
    (finding,) = request_facts(tmp_path)["findings"]
    assert (finding["kind"], finding["symbol"], finding["timestamp"]) == ("repair", "btc", "2024-01-01T00:45:00Z")


def test_differing_duplicates_are_refused(frame, refused):
    other = frame[3:4].with_columns(volume=pl.lit(0.5))
    assert "1 times have bars that differ: btc 2024-01-01T00:45:00Z" in refused(pl.concat([frame, other]))


def test_two_time_zones_are_refused(frame, refused):
    odd = pl.int_range(pl.len()) % 2 == 1
    text = frame.with_columns(
        timestamp=pl.when(~odd)
        .then(pl.col("timestamp").dt.to_string("%Y-%m-%d %H:%M:%S+00:00"))
        .otherwise(pl.col("timestamp").dt.offset_by("2h").dt.to_string("%Y-%m-%d %H:%M:%S+02:00"))
    )
    message = refused(text, csv=True)
    assert "two time zones in one file: btc 2024-01-01 00:00:00+00:00 (line 2) but" in message


def test_missing_symbol_is_refused_with_those_found(frame, refused):
    message = refused(frame.filter(pl.col("symbol") != "ETHUSDT"))
    assert "no bars of ['eth']" in message
    assert "found ['btc', 'sol']" in message


def test_symbol_that_is_too_short_is_refused_with_the_number_needed(frame, refused):
    shorter = frame.filter(~((pl.col("symbol") == "SOLUSDT") & (pl.int_range(pl.len()).over("symbol") >= 300)))
    message = refused(shorter)
    assert "too few bars: btc has 300 bars, eth has 300 bars, sol has 300 bars" in message
    assert "at least 301 needed" in message


def test_fewer_bars_than_the_widest_window_needs_are_refused(frame, refused):
    assert "at least 4100 needed" in refused(frame, "--window-bars", "2,1000")
    assert "at least 301 needed" in refused(frame, "--last-bars", "60")


def test_empty_file_is_refused(tmp_path, refused):
    (tmp_path / "empty.csv").touch()
    assert "empty.csv is empty" in refused(tmp_path / "empty.csv")


def test_file_with_a_header_alone_is_refused(frame, refused):
    assert "is empty: expected at least one bar" in refused(frame[:0])


def test_path_that_is_not_there_is_refused(tmp_path, refused):
    assert "no bars at" in refused(tmp_path / "nowhere.parquet")


def test_file_that_is_no_parquet_is_refused(tmp_path, refused):
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing else PAR1")
    assert "cannot read" in refused(tmp_path / "broken.parquet")


def test_cutoff_before_the_first_bar_is_refused(frame, refused):
    assert "no bar of btc closes by the cutoff" in refused(frame, "--cutoff", "2023-12-31T00:00:00Z")


def test_cutoff_without_a_time_zone_is_refused(frame, refused):
    assert "--cutoff: Input should have timezone info" in refused(frame, "--cutoff", "2024-01-04T00:00:00")


def test_unknown_flag_ends_with_2_and_names_it(take, frame, tmp_path, capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        take(frame, "--colour", "red")
    assert "unrecognized arguments: --colour red" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "store").exists()
