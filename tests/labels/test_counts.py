"""Counts hold labelled events only, and too few of them skip a variant with a reason."""

import numpy as np
import pytest

from fleetcast.fleet.variants import Family, Grid
from fleetcast.labels.counts import count_classes, count_variants

GRID = Grid(
    symbols=("btc",),
    window_bars=(2,),
    swing_types=("high",),
    deviations=(1.0, 2.0),
    thresholds=(0.5, 1.5),
    horizon_bars=(5, 20, 50),
)


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        ((100, 80, 20), None),
        ((100, 80, 19), "199 events, at least 200 needed"),
        ((100, 87, 0), "187 events, at least 200 needed"),
        ((200, 12, 30), "12 of class reversal, at least 20 needed"),
        ((19, 300, 0), "19 of class breakout and 0 of class neither, at least 20 needed"),
        ((0, 0, 0), "0 events, at least 200 needed"),
    ],
)
def test_too_few_events_skip_a_variant_with_the_reason(classes, reason):
    counts = count_classes(*classes)
    assert counts.skipped == reason
    assert counts.events == sum(classes)


def test_variants_are_counted_in_the_grids_order_from_labelled_events_that_stand_out_enough():
    generator = np.random.default_rng(0)
    deviation = generator.uniform(1, 3, size=500)
    outcome = generator.integers(-1, 3, size=(500, 2, 3)).astype(np.int8)
    family = Family(symbol="btc", window_bars=2, swing_type="high")
    counts = count_variants(family, GRID, deviation=deviation, outcome=outcome)
    assert list(counts) == [variant.variant_id for variant in GRID.variants_of(family)]
    chosen = [o for o, d in zip(outcome[:, 1, 2], deviation, strict=True) if d >= 2.0]
    found = counts["btc-w2-high-h50-d2.0-t1.5"]
    assert (found.breakout, found.reversal, found.neither) == (chosen.count(0), chosen.count(1), chosen.count(2))
    assert found.events == len(chosen) - chosen.count(-1)


def test_family_without_events_is_skipped_whole():
    counts = count_variants(
        Family(symbol="btc", window_bars=2, swing_type="high"),
        GRID,
        deviation=np.empty(0),
        outcome=np.empty((0, 2, 3), np.int8),
    )
    assert {found.skipped for found in counts.values()} == {"0 events, at least 200 needed"}
