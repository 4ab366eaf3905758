"""No label reaches from one part into the next, and parts are cut at whole rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.errors import ConfigurationError
from fleetcast.splits.parts import Parts, fit_stop_boundary, part_rows


@pytest.mark.parametrize(
    ("n_rows", "cuts"),
    [(10, (5, 7, 9)), (90, (45, 63, 81)), (23_923, (11_961, 16_746, 21_530)), (5, (2, 3, 4))],
)
def test_cuts_lie_at_whole_percents_of_the_timeline(n_rows, cuts):
    parts = Parts.of(n_rows)
    assert (parts.screen_end, parts.train_end, parts.validation_end) == cuts
    assert parts.n_rows == n_rows


@pytest.mark.parametrize("n_rows", [0, 1, 3])
def test_timeline_too_short_for_four_parts_is_refused(n_rows):
    with pytest.raises(ConfigurationError, match=f"cannot cut {n_rows} rows into four parts"):
        Parts.of(n_rows)


@given(n_rows=st.integers(5, 10**6))
def test_train_validation_and_holdout_tile_the_timeline(n_rows):
    parts = Parts.of(n_rows)
    bounds = [parts.bounds(part) for part in ("train", "validation", "holdout")]
    assert [start for start, _ in bounds] == [0, *(stop for _, stop in bounds[:-1])]
    assert bounds[-1][1] == n_rows
    assert parts.bounds("screen")[1] < parts.bounds("train")[1]


@given(data=st.data(), n_rows=st.integers(5, 300))
def test_no_label_of_a_part_ends_in_the_next_one(data, n_rows):
    row = np.array(data.draw(st.lists(st.integers(0, n_rows - 1), min_size=1, max_size=40)))
    reach = np.array(data.draw(st.lists(st.integers(1, 60), min_size=len(row), max_size=len(row))))
    end_row = np.minimum(row + reach, n_rows)
    parts = Parts.of(n_rows)
    kept = [
        part_rows(row, end_row, start=start, stop=stop)
        for start, stop in (parts.bounds(part) for part in ("train", "validation", "holdout"))
    ]
    train, validation, holdout = kept
    assert (end_row[train] < parts.train_end).all()
    assert (row[validation] >= parts.train_end).all()
    assert (end_row[validation] < parts.validation_end).all()
    assert (row[holdout] >= parts.validation_end).all()
    assert (end_row[holdout] < n_rows).all()
    assert (np.sum(kept, axis=0) <= 1).all()


def test_only_labels_that_reach_the_next_part_are_purged():
    row, end_row = np.array([1, 2, 4, 5, 6, 9]), np.array([3, 5, 6, 8, 7, 10])
    assert part_rows(row, end_row, start=2, stop=7).tolist() == [False, True, True, False, False, False]


@given(start=st.integers(0, 1000), length=st.integers(2, 10**5))
def test_early_stopping_watches_the_last_15_percent(start, length):
    boundary = fit_stop_boundary(start, start + length)
    assert start < boundary < start + length
    assert 0 <= (start + length - boundary) - 0.15 * length < 1


def test_too_short_a_fit_is_refused():
    with pytest.raises(ConfigurationError, match=r"cannot watch the last rows of \[7, 8\)"):
        fit_stop_boundary(7, 8)
