"""Rows inside their part, and what is said of those outside."""

import numpy as np
import pytest

from fleetcast.audit.row_audit import UsedRows, check_inside, digest_rows, find_outside
from fleetcast.errors import LookAheadError

ROW = np.array([10, 20, 30])


def used(end_row: list[int], *, start: int = 10, stop: int = 40, purpose: str = "fit") -> UsedRows:
    return UsedRows(purpose, ROW, np.array(end_row), start, stop)


def test_rows_whose_labels_end_before_the_next_part_are_inside() -> None:
    assert find_outside([used([15, 25, 39])]) == (3, [])
    assert check_inside([used([15, 25, 39]), used([11, 21, 31])]) == 6


@pytest.mark.parametrize(
    ("one", "n_outside"),
    [
        (used([15, 25, 40]), 1),
        (used([15, 25, 39], start=11), 1),
        (used([15, 45, 95]), 2),
        (used([0, 0, 0], stop=30), 1),
    ],
)
def test_each_way_out_is_counted(one: UsedRows, n_outside: int) -> None:
    assert one.n_outside == n_outside


def test_the_first_uses_are_named_and_the_others_counted() -> None:
    leaks = [used([99, 25, 39], purpose=f"variant {i}") for i in range(5)]
    with pytest.raises(LookAheadError, match=r"variant 0: 1 of 3 rows .*ends at row 99; variant 1.*; and 2 more\."):
        check_inside(leaks)


def test_a_digest_tells_rows_and_their_purposes_apart() -> None:
    assert digest_rows(ROW, ROW) == digest_rows(ROW.astype(np.int32), ROW)
    assert len({digest_rows(ROW, ROW[:2]), digest_rows(ROW[:2], ROW), digest_rows(ROW, ROW), digest_rows(ROW)}) == 4
