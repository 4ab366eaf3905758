"""Temporal columns: the clock at the bar's close, and seasons of past days."""

import numpy as np
import pytest

from fleetcast.features.engine import compute_columns

ROWS_OF_A_DAY = 96


@pytest.fixture(scope="module")
def values(real_bars):
    """A column's values by name; the first bar opens on Monday 2024-01-01 00:00 UTC."""
    return lambda name: compute_columns(real_bars, [f"btc.temporal.{name}"])[:, 0]


def test_hour_is_that_of_the_close(values):
    sine, cosine = values("hour.sine"), values("hour.cosine")
    assert sine[23] == pytest.approx(1)  # 05:45 closes at 06:00
    assert cosine[95] == pytest.approx(1)  # 23:45 closes at midnight


def test_week_begins_on_monday(values):
    hours = values("hour_of_week")
    assert hours[0] == 0.25
    assert hours[ROWS_OF_A_DAY * 7] == 0.25
    assert hours[ROWS_OF_A_DAY] == 24.25


def test_weekend_is_saturday_and_sunday(values):
    weekend = np.flatnonzero(values("is_weekend")[: ROWS_OF_A_DAY * 7])
    assert (weekend[0], weekend[-1]) == (ROWS_OF_A_DAY * 5, ROWS_OF_A_DAY * 7 - 2)


def test_session_is_open_between_its_hours(values):
    is_open = np.flatnonzero(values("session_america.is_open")[:ROWS_OF_A_DAY])
    assert (is_open[0], is_open[-1]) == (54, 79)  # closes at 13:45 and at 20:00
    assert values("session_america.since_open")[54] == 0.25
    assert values("session_america.to_close")[54] == 6.25


def test_funding_is_every_eight_hours(values):
    assert values("to_funding")[[0, 30, 31, 32]].tolist() == [7.75, 0.25, 0.0, 7.75]


def test_seasonal_is_mean_of_the_hour_over_past_days_against_all(check_column, btc):
    sizes = np.append(np.nan, np.abs(np.diff(np.log(btc.close))))
    hour = btc.timestamp // 3_600_000

    def oracle(t):
        past = [i for i in range(t + 1) if hour[i] % 24 == (hour[t] + 1) % 24][-20:]
        return np.log(np.mean(sizes[past]) / np.mean(sizes[t - 479 : t + 1]))

    check_column("btc.temporal.seasonal.abs_return.5-1", oracle)


def test_season_is_unknown_until_its_days_are_full(values):
    assert np.isnan(values("seasonal.abs_return.5-1")[:480]).all()
