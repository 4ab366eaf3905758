"""Uniqueness equals a slow count of overlapping labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.labels.uniqueness import average_uniqueness


def slow_uniqueness(row: list[int], known_row: list[int]) -> list[float]:
    intervals = [range(start + 1, end + 1) for start, end in zip(row, known_row, strict=True)]
    return [
        sum(1 / sum(place in other for other in intervals) for place in interval) / len(interval)
        for interval in intervals
    ]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), min_size=1, max_size=30))
def test_uniqueness_equals_a_slow_count(events):
    row = [start for start, _ in events]
    known_row = [start + reach for start, reach in events]
    found = average_uniqueness(np.array(row), np.array(known_row), 61)
    assert found == pytest.approx(slow_uniqueness(row, known_row))
    assert (found > 0).all()
    assert (found <= 1 + 1e-12).all()


def test_label_that_ends_where_the_next_begins_overlaps_nothing():
    assert average_uniqueness(np.array([0, 5]), np.array([5, 9]), 10).tolist() == [1.0, 1.0]


def test_three_equal_labels_are_worth_one():
    assert average_uniqueness(np.full(3, 2), np.full(3, 7), 10) == pytest.approx(1 / 3)


def test_rows_of_stored_labels_are_accepted():
    row, known_row = np.array([0, 3], np.int32), np.array([4, 9], np.int32)
    assert average_uniqueness(row, known_row, 10) == pytest.approx([(3 + 0.5) / 4, (0.5 + 5) / 6])


def test_no_events_have_no_uniqueness():
    empty = np.empty(0, np.int32)
    assert average_uniqueness(empty, empty, 10).tolist() == []
