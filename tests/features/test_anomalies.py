"""Features and labels on bars with anomalies, made in the bundled sample: what is unknown, and what stays."""

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from certified import SYMBOLS, made_up_certificate
from fleetcast.audit.admission import Admission
from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.data.files import NUMBERS, PRICES
from fleetcast.data.reader import read_bars
from fleetcast.errors import DataError
from fleetcast.features.catalogue import list_columns
from fleetcast.features.columns import Column
from fleetcast.features.engine import FeatureEngine
from fleetcast.fleet.presets import load_preset
from fleetcast.labels.families import FamilyLabels, label_family
from fleetcast.labels.outcomes import UNKNOWN

N_BARS, AT = 1400, 900  # the row at which something is wrong
COLUMNS = list_columns(SYMBOLS, width="full")[::37]
GRID = load_preset("full")
FAMILIES = [one for one in GRID.families() if one.family_id in ("btc-w5-high", "eth-w2-low", "sol-w2-high")]


def own_of(symbol: str) -> list[int]:
    """Places of the symbol's columns that look at no other one."""
    return [i for i, column in enumerate(COLUMNS) if column.symbol == symbol and column.recipe.scope == "own"]


def values_of(bars: BarSet, columns: list[Column] = COLUMNS) -> np.ndarray:
    return FeatureEngine(bars).compute(columns)


def labels_of(bars: BarSet) -> list[FamilyLabels]:
    return [label_family(bars, family, grid=GRID)[0] for family in FAMILIES]


def with_bars(bars: BarSet, own: SymbolBars) -> BarSet:
    return dataclasses.replace(bars, bars={**bars.bars, own.symbol: own})


def where(own: SymbolBars, keep: np.ndarray) -> SymbolBars:
    parts = {name: getattr(own, name)[keep] for name in ("timestamp", *NUMBERS)}
    return SymbolBars(symbol=own.symbol, **parts)


def changed(own: SymbolBars, rows: slice, **values: object) -> SymbolBars:
    arrays = {name: getattr(own, name).copy() for name in NUMBERS}
    for name, value in values.items():
        arrays[name][rows] = value
    return SymbolBars(symbol=own.symbol, timestamp=own.timestamp, **arrays)


@pytest.fixture(scope="module")
def bars() -> BarSet:
    sample, _ = read_bars("sample", symbols=SYMBOLS)
    return sample.between(int(sample.timeline[0]), int(sample.timeline[N_BARS - 1]))


@pytest.fixture(scope="module")
def clean(bars: BarSet) -> np.ndarray:
    return values_of(bars)


def test_missing_bars_have_no_row_of_their_symbol_and_are_filled_by_nobody(bars: BarSet, clean: np.ndarray) -> None:
    missing = slice(AT, AT + 18)  # as many as an exchange was down in 2021
    keep = np.ones(N_BARS, dtype=np.bool_)
    keep[missing] = False
    holed = with_bars(bars, where(bars.bars["sol"], keep))
    values = values_of(holed)
    sol = [i for i, column in enumerate(COLUMNS) if column.symbol == "sol"]
    assert np.isnan(values[missing][:, sol]).all()
    others = own_of("btc") + own_of("eth")
    np.testing.assert_array_equal(values[:, others], clean[:, others])
    np.testing.assert_array_equal(values[:AT], clean[:AT])
    known = ~np.isnan(clean[AT + 18 :, own_of("sol")])
    assert np.isnan(values[AT + 18 :, own_of("sol")])[known].mean() < 0.01, "known again at once after the hole"
    sol_events = labels_of(holed)[-1].row
    assert not set(sol_events.tolist()) & set(range(AT, AT + 18))
    assert sol_events[-1] > AT + 18


def test_bars_without_volume_leave_prices_alone_and_nothing_unknown_for_long(bars: BarSet, clean: np.ndarray) -> None:
    own = bars.bars["btc"]
    quiet = changed(own, slice(AT, AT + 5), volume=0.0)
    values = values_of(with_bars(bars, quiet))
    np.testing.assert_array_equal(values[:AT], clean[:AT])
    assert not np.isinf(values).any()
    newly_unknown = np.isnan(values) & ~np.isnan(clean)
    assert newly_unknown.mean() < 0.001
    for before, after in zip(labels_of(bars), labels_of(with_bars(bars, quiet)), strict=True):
        np.testing.assert_array_equal(before.outcome, after.outcome)


def test_an_unknown_volume_counts_as_none(bars: BarSet, tmp_path: Path) -> None:
    frame = frame_of(bars)
    rows = pl.int_range(pl.len()).is_between(AT, AT + 5)
    read = written(frame.with_columns(pl.when(rows).then(None).otherwise("volume").alias("volume")), tmp_path)
    np.testing.assert_array_equal(read.bars["btc"].volume[AT : AT + 6], np.zeros(6))
    none = with_bars(bars, changed(bars.bars["btc"], slice(AT, AT + 6), volume=0.0))
    np.testing.assert_array_equal(values_of(read), values_of(none))


def test_repeated_and_late_bars_change_nothing(bars: BarSet, clean: np.ndarray, tmp_path: Path) -> None:
    frame = frame_of(bars)
    late = pl.concat([frame[:AT], frame[AT + 9 :], frame[AT : AT + 9], frame[100:140]])
    read = written(late, tmp_path)
    np.testing.assert_array_equal(values_of(read), clean)


def test_two_bars_of_one_time_that_differ_are_refused(bars: BarSet, tmp_path: Path) -> None:
    frame = frame_of(bars)
    other = frame[AT : AT + 1].with_columns(pl.col("volume") * 2)
    with pytest.raises(DataError, match="1 times have bars that differ"):
        written(pl.concat([frame, other]), tmp_path)


def test_a_symbol_that_starts_later_is_unknown_until_it_has_its_own_history(bars: BarSet, clean: np.ndarray) -> None:
    late = with_bars(bars, bars.bars["sol"].part(AT, N_BARS))
    values = values_of(late)
    sol = [i for i, column in enumerate(COLUMNS) if column.symbol == "sol"]
    assert np.isnan(values[:AT, sol]).all()
    np.testing.assert_array_equal(values[:, own_of("btc")], clean[:, own_of("btc")])
    alone = FeatureEngine(BarSet(bars={"sol": late.bars["sol"]}, bar_ms=bars.bar_ms))
    own = own_of("sol")
    np.testing.assert_array_equal(values[AT:, own], alone.compute([COLUMNS[i] for i in own]))
    Admission(made_up_certificate(width="full"), late).mask_warm_up(values, COLUMNS)
    assert np.isnan(values[AT : AT + 15, sol]).all(), "history counts from the symbol's own first bar"
    looks_at_sol = [i for i, column in enumerate(COLUMNS) if column.recipe.scope == "market"]
    assert np.isnan(values[: AT + 15, looks_at_sol]).all()


def test_a_split_is_a_move_and_changes_nothing_before_it(bars: BarSet, clean: np.ndarray) -> None:
    own = bars.bars["eth"]
    split = changed(own, slice(AT, None), **{name: getattr(own, name)[AT:] / 10 for name in PRICES})
    values = values_of(with_bars(bars, split))
    np.testing.assert_array_equal(values[:AT], clean[:AT])
    assert not np.isinf(values).any()
    assert (np.isnan(values) & ~np.isnan(clean)).mean() < 0.001
    for before, after in zip(labels_of(bars), labels_of(with_bars(bars, split)), strict=True):
        assert (before.outcome[before.end_row[:, -1] < AT] == after.outcome[after.end_row[:, -1] < AT]).all()
        assert (after.outcome != UNKNOWN).any()


def frame_of(bars: BarSet) -> pl.DataFrame:
    return pl.concat(
        pl.DataFrame({"symbol": [symbol] * own.n_bars, **{n: getattr(own, n) for n in ("timestamp", *NUMBERS)}})
        for symbol, own in bars.bars.items()
    )


def written(frame: pl.DataFrame, folder: Path) -> BarSet:
    path = folder / "bars.parquet"
    frame.write_parquet(path)
    return read_bars(str(path), symbols=SYMBOLS)[0]
