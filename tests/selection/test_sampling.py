"""Which variants are sampled, and which of their rows a selection model may see."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from fleetcast.fleet.presets import load_preset
from fleetcast.fleet.variants import Family, Grid, Variant
from fleetcast.labels.families import FamilyLabels
from fleetcast.selection.sampling import sample_variants, selection_rows

SAMPLE = load_preset("sample")
SCREEN_END = 1000


def test_sampled_variants_have_lowest_deviation_and_middle_threshold_and_horizon():
    for variant in sample_variants(SAMPLE, 12):
        assert (variant.deviation, variant.threshold, variant.horizon_bars) == (1.0, 1.0, 20)


def test_sampled_variants_spread_over_symbols_windows_and_swing_types():
    families = [variant.family for variant in sample_variants(SAMPLE, 12)]
    assert len({family.family_id for family in families}) == 12
    assert Counter(family.symbol for family in families) == {"btc": 4, "eth": 4, "sol": 4}
    assert {family.swing_type for family in families} == {"high", "low"}
    assert len({family.window_bars for family in families}) >= 4


def test_one_variant_a_family_covers_all_families():
    assert [v.family for v in sample_variants(SAMPLE, 36)] == SAMPLE.families()


def test_more_variants_than_families_take_other_horizons():
    variants = sample_variants(SAMPLE, 72)
    assert len({variant.variant_id for variant in variants}) == 72
    assert {variant.horizon_bars for variant in variants} == {20, 50}


def test_no_more_variants_than_families_times_horizons():
    micro = load_preset("micro")
    variants = sample_variants(micro, 100)
    assert len({variant.variant_id for variant in variants}) == len(variants) == 9


@pytest.fixture
def grid() -> Grid:
    content = {**SAMPLE.model_dump(include=set(Grid.model_fields)), "horizon_bars": (10, 50)}
    return Grid(**content)


@pytest.fixture
def labels(grid) -> FamilyLabels:
    """An event every third row, up to 1,500."""
    row = np.arange(0, 1500, 3, dtype=np.int32)
    shape = (len(row), len(grid.thresholds), len(grid.horizon_bars))
    horizons = np.asarray(grid.horizon_bars, dtype=np.int32)
    outcome = np.broadcast_to((np.arange(len(row)) % 3)[:, None, None], shape).astype(np.int8)
    return FamilyLabels(
        row=row,
        deviation=np.where(row % 2, 1.0, 2.0),
        outcome=outcome,
        known_row=np.broadcast_to(row[:, None, None] + 1, shape).astype(np.int32),
        end_row=row[:, None] + horizons,
        structure=np.zeros((len(row), 1), dtype=np.float32),
    )


def variant_of(deviation: float = 1.0, horizon_bars: int = 50) -> Variant:
    family = Family(symbol="btc", window_bars=2, swing_type="high")
    return Variant(family=family, horizon_bars=horizon_bars, deviation=deviation, threshold=1.0)


def test_no_label_reaches_the_screens_end(labels, grid):
    rows = selection_rows(labels, variant_of(), grid=grid, screen_end=SCREEN_END)
    assert rows.stop_row.max() + 50 < SCREEN_END
    assert rows.stop_row.max() + 53 >= SCREEN_END, "the last event that fits is used"


def test_no_fit_label_reaches_the_rows_that_early_stopping_watches(labels, grid):
    rows = selection_rows(labels, variant_of(), grid=grid, screen_end=SCREEN_END)
    assert rows.fit_row.max() + 50 < 850 <= rows.stop_row.min()


def test_latest_rows_are_taken_in_order_of_time(labels, grid):
    rows = selection_rows(labels, variant_of(horizon_bars=10), grid=grid, screen_end=SCREEN_END, max_rows=100)
    both = np.concatenate([rows.fit_row, rows.stop_row])
    assert np.all(np.diff(both) > 0)
    assert both[0] == 987 - 3 * 99
    boundary = 690 + 85 * (SCREEN_END - 690) // 100
    assert rows.fit_row.max() + 10 < boundary <= rows.stop_row.min()


def test_deviation_chooses_the_events(labels, grid):
    rows = selection_rows(labels, variant_of(deviation=2.0), grid=grid, screen_end=SCREEN_END)
    assert (rows.fit_row % 2 == 0).all()
    assert rows.unusable is None


def test_classes_belong_to_their_rows(labels, grid):
    rows = selection_rows(labels, variant_of(), grid=grid, screen_end=SCREEN_END)
    np.testing.assert_array_equal(rows.fit_y, rows.fit_row // 3 % 3)
    np.testing.assert_array_equal(rows.stop_y, rows.stop_row // 3 % 3)


def test_rows_without_a_class_are_unusable(labels, grid):
    few = selection_rows(labels, variant_of(), grid=grid, screen_end=60)
    assert few.unusable == "1 rows to fit on, none of class [1, 2]"


def test_variant_without_events_is_unusable(labels, grid):
    assert selection_rows(labels, variant_of(deviation=2.5), grid=grid, screen_end=60).unusable is not None


def test_direction_is_taken_from_the_lowest_threshold_on_the_same_rows(labels, grid):
    outcome = labels.outcome.copy()
    outcome[:, grid.thresholds.index(min(grid.thresholds))] = (outcome[:, 0] + 1) % 3
    rows = selection_rows(replace(labels, outcome=outcome), variant_of(), grid=grid, screen_end=SCREEN_END)
    np.testing.assert_array_equal(rows.row, np.concatenate([rows.fit_row, rows.stop_row]))
    np.testing.assert_array_equal(rows.direction_y, (np.concatenate([rows.fit_y, rows.stop_y]) + 1) % 3)
