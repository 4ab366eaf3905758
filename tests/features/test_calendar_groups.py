"""Days and weeks of bars."""

import numpy as np

from fleetcast.features.calendar_groups import DAY_MS, FIRST_MONDAY_MS, HOUR_MS, WEEK_MS, group_by
from fleetcast.features.memory import MEMORY_BARS

MONDAY_MS = 1_704_067_200_000


def test_value_so_far_begins_anew_each_day():
    timestamp = MONDAY_MS + 12 * HOUR_MS * np.arange(5)
    days = group_by(timestamp, length_ms=DAY_MS)
    highs = np.array([3.0, 2.0, 1.0, 4.0, 2.0])
    so_far = days.so_far(highs, np.maximum.accumulate)
    np.testing.assert_array_equal(so_far, [3, 3, 1, 4, 2])
    np.testing.assert_array_equal(days.before(so_far), [np.nan, np.nan, 3, 3, 4])


def test_week_begins_on_monday():
    timestamp = MONDAY_MS + DAY_MS * np.array([-1, 0, 6, 7])
    weeks = group_by(timestamp, length_ms=WEEK_MS, offset_ms=FIRST_MONDAY_MS)
    np.testing.assert_array_equal(weeks.start, [0, 1, 1, 3])


def test_day_without_bars_is_no_group():
    timestamp = MONDAY_MS + DAY_MS * np.array([0, 3])
    days = group_by(timestamp, length_ms=DAY_MS)
    np.testing.assert_array_equal(days.before(np.array([5.0, 6.0])), [np.nan, 5.0])


def test_several_days_before():
    timestamp = MONDAY_MS + 12 * HOUR_MS * np.arange(6)
    days = group_by(timestamp, length_ms=DAY_MS)
    values = np.arange(6.0)
    np.testing.assert_array_equal(days.before(values, n_groups=2), [np.nan, np.nan, np.nan, np.nan, 1, 1])


def test_week_of_more_bars_than_are_remembered_is_unknown():
    timestamp = MONDAY_MS + 5 * 60_000 * np.arange(2016)
    weeks = group_by(timestamp, length_ms=WEEK_MS, offset_ms=FIRST_MONDAY_MS)
    so_far = weeks.so_far(np.ones(2016), np.cumsum)
    assert so_far[MEMORY_BARS] == MEMORY_BARS + 1
    assert np.isnan(so_far[MEMORY_BARS + 1 :]).all()
