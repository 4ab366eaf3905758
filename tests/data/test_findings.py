"""Findings and refusals name instants and offenders alike."""

import pytest

from fleetcast.data.findings import Finding, first_few, instant_text


def test_instant_is_iso_8601_in_utc():
    assert instant_text(1_704_067_200_000) == "2024-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("offenders", "n_total", "text"),
    [
        (["a"], None, "a"),
        (["a", "b", "c"], None, "a, b, c"),
        (["a", "b", "c", "d", "e"], None, "a, b, c and 2 more"),
        (["a", "b", "c"], 9, "a, b, c and 6 more"),
    ],
)
def test_first_three_offenders_are_shown_and_the_rest_counted(offenders, n_total, text):
    assert first_few(offenders, n_total=n_total) == text


def test_finding_reads_as_one_line():
    at = Finding(kind="repair", symbol="btc", timestamp="2024-01-01T00:00:00Z", message="sorted")
    assert str(at) == "repair: btc 2024-01-01T00:00:00Z: sorted"
    assert str(Finding(kind="remark", symbol=None, timestamp=None, message="converted")) == "remark: converted"
