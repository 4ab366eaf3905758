"""Holidays by rule, against dates known from calendars."""

from datetime import date

import numpy as np
import pytest

from fleetcast.features.holidays import (
    EPOCH_ORDINAL,
    RULES,
    SUMMER_TIME,
    days_of,
    days_until_and_since,
    easter,
    is_summer_time,
    nth_weekday,
)


def day_number(text: str) -> int:
    return date.fromisoformat(text).toordinal() - EPOCH_ORDINAL


@pytest.mark.parametrize("day", ["2000-04-23", "2008-03-23", "2011-04-24", "2019-04-21", "2024-03-31", "2038-04-25"])
def test_easter(day):
    assert easter(int(day[:4])) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("kind", "day"),
    [
        ("united_states", "2023-11-23"),  # Thanksgiving
        ("united_states", "2024-05-27"),  # Memorial Day
        ("united_states", "2021-04-02"),  # Good Friday
        ("europe", "2022-04-18"),  # Easter Monday
        ("china", "2021-02-12"),
        ("monthly_expiry", "2021-12-31"),
        ("quarterly_expiry", "2022-06-24"),
        ("equity_expiry", "2020-03-20"),
        ("employment_report", "2024-06-07"),
    ],
)
def test_day_is_known(kind, day):
    assert day_number(day) in days_of(kind)


def test_last_weekday_of_december_lies_in_its_year():
    assert nth_weekday(12, 4, 0)(2021) == date(2021, 12, 31)


def test_distances_count_to_the_next_day_and_from_the_last():
    noon = np.array([day_number("2022-12-24") + 0.5])
    until, since = days_until_and_since(noon, "united_states")
    assert until[0] == 0.5
    assert since[0] == day_number("2022-12-24") + 0.5 - day_number("2022-11-24")


@pytest.mark.parametrize("kind", RULES)
def test_distances_are_unknown_beyond_the_table(kind):
    until, since = days_until_and_since(np.array([0.0, 40_000.0]), kind)
    assert np.isnan([until, since]).all()


@pytest.mark.parametrize(("day", "expected"), [("2024-03-09", False), ("2024-03-10", True), ("2024-11-03", False)])
def test_summer_time_of_the_united_states(day, expected):
    first, last = SUMMER_TIME["united_states"]
    assert is_summer_time(np.array([day_number(day) + 0.5]), first=first, last=last)[0] == expected
