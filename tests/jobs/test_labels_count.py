"""labels count prints every variant of the fleet, over all bars of what it is given."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleetcast.data.reader import read_bars
from fleetcast.fleet.presets import load_preset
from fleetcast.jobs.main import run
from fleetcast.labels.families import find_events
from printed import printed_objects

KEYS = ["variant_id", "events", "breakout", "reversal", "neither", "skipped"]


@pytest.fixture
def uneven_bars(tmp_path: Path) -> Path:
    """A folder in which ETH has half of the other symbols' bars."""
    sample, _ = read_bars("sample", symbols=None)
    for symbol, one in sample.bars.items():
        kept = one.part(1500, 3000) if symbol == "eth" else one.part(0, 3000)
        arrays = {name: getattr(kept, name) for name in ("timestamp", "open", "high", "low", "close", "volume")}
        pl.DataFrame(arrays).with_columns(symbol=pl.lit(f"{symbol.upper()}/USDT")).write_csv(tmp_path / f"{symbol}.csv")
    return tmp_path


def test_json_is_one_object_a_variant_in_the_grids_order(capsys):
    assert run(["labels", "count", "--json"]) == 0
    counts = printed_objects(capsys)
    assert [count["variant_id"] for count in counts] == [v.variant_id for v in load_preset("sample").variants()]
    assert {tuple(count) for count in counts} == {tuple(KEYS)}
    assert all(count["events"] == count["breakout"] + count["reversal"] + count["neither"] for count in counts)
    assert {count["skipped"] for count in counts} == {None}
    assert 350 <= min(count["events"] for count in counts) < max(count["events"] for count in counts) <= 5000


def test_bars_in_an_object_store_count_as_those_of_a_folder_do(uneven_bars, capsys):
    printed = []
    for bars in (str(uneven_bars), uneven_bars.as_uri()):
        assert run(["labels", "count", "--bars", bars, "--json", "--preset", "micro"]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != ""


def test_every_bar_of_each_symbol_counts_also_where_another_symbol_has_none(uneven_bars, capsys):
    assert run(["labels", "count", "--bars", str(uneven_bars), "--json", "--preset", "micro"]) == 0
    grid = load_preset("micro")
    counts = {count["variant_id"]: count for count in printed_objects(capsys)}
    assert len(counts) == len(grid.variants())
    bars, _ = read_bars(str(uneven_bars), symbols=None)
    assert [one.n_bars for one in bars.bars.values()] == [3000, 1500, 3000]
    for family in grid.families():
        swings, outcomes = find_events(bars.bars[family.symbol], family, grid=grid)
        found = counts[f"{family.family_id}-h20-d1.5-t0.5"]
        place = grid.thresholds.index(0.5), grid.horizon_bars.index(20)
        y = outcomes.outcome[swings.deviation >= 1.5][:, *place]
        assert found["reversal"] == np.count_nonzero(y == 1)
        assert found["events"] == np.count_nonzero(y >= 0)


def test_too_few_events_are_skipped_with_the_reason(uneven_bars, capsys):
    assert run(["labels", "count", "--bars", str(uneven_bars), "--json"]) == 0
    counts = printed_objects(capsys)
    few = [count for count in counts if count["events"] < 200]
    assert len(few) > 0
    assert all(count["skipped"] == f"{count['events']} events, at least 200 needed" for count in few)


def test_table_has_a_line_a_family(capsys):
    assert run(["labels", "count", "--preset", "micro"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["btc-w5-high", "eth-w5-high", "sol-w5-high"]
    assert "12 variants" in lines[0]


def test_missing_symbol_ends_with_2(tmp_path, uneven_bars, capsys):
    assert run(["labels", "count", "--bars", str(uneven_bars / "btc.csv")]) == 2
    assert "no bars of ['eth', 'sol']" in capsys.readouterr().err.splitlines()[-1]
