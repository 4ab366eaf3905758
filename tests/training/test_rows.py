import numpy as np
import pytest

from fleetcast.fleet.variants import Grid, Variant
from fleetcast.labels.families import FamilyLabels
from fleetcast.splits.parts import Parts, fit_stop_boundary
from fleetcast.training.rows import group_rows, holdout_labels, validation_labels

GRID = Grid(
    symbols=("btc",),
    window_bars=(2,),
    swing_types=("high",),
    deviations=(1.0, 2.0),
    thresholds=(0.5, 1.0),
    horizon_bars=(3, 10),
)
N_ROWS = 400
PARTS = Parts.of(N_ROWS)


@pytest.fixture
def labels() -> FamilyLabels:
    row = np.arange(0, N_ROWS, 2, dtype=np.int32)
    end_row = np.minimum(row[:, None] + np.array(GRID.horizon_bars, np.int32), N_ROWS)
    outcome = np.where(end_row[:, None, :] < N_ROWS, row[:, None, None] % 3, -1).astype(np.int8)
    outcome = np.repeat(outcome, len(GRID.thresholds), axis=1)
    return FamilyLabels(
        row=row,
        deviation=np.where(row % 4 == 0, 2.5, 1.5),
        outcome=outcome,
        known_row=np.repeat(end_row[:, None, :], 2, axis=1),
        end_row=end_row.astype(np.int32),
        structure=np.zeros((len(row), 1), np.float32),
    )


def test_no_row_of_a_part_reaches_the_next_one(labels: FamilyLabels) -> None:
    rows = group_rows(labels, PARTS, deviation=1.0)
    boundary = fit_stop_boundary(0, PARTS.train_end)
    assert labels.end_row[rows.fit].max() < boundary <= labels.row[rows.stop].min()
    assert labels.end_row[rows.stop].max() < PARTS.train_end
    for horizon in GRID.horizon_bars:
        variant = Variant(family=GRID.families()[0], horizon_bars=horizon, deviation=1.0, threshold=0.5)
        view = labels.variant_view(variant, GRID)
        validation, holdout = validation_labels(view, PARTS), holdout_labels(view, PARTS)
        assert PARTS.train_end <= validation.row.min()
        assert validation.end_row.max() < PARTS.validation_end <= holdout.row.min()
        assert holdout.end_row.max() < PARTS.n_rows


def test_each_horizon_keeps_the_judged_rows_that_it_can(labels: FamilyLabels) -> None:
    sizes = {}
    for horizon in GRID.horizon_bars:
        variant = Variant(family=GRID.families()[0], horizon_bars=horizon, deviation=1.0, threshold=0.5)
        sizes[horizon] = len(validation_labels(labels.variant_view(variant, GRID), PARTS).y)
    assert sizes == {3: 39, 10: 35}


def test_a_deviation_keeps_the_events_beyond_it(labels: FamilyLabels) -> None:
    near, far = (group_rows(labels, PARTS, deviation=d) for d in GRID.deviations)
    assert set(far.fit) < set(near.fit)
    assert (labels.deviation[far.fit] >= 2.0).all()
