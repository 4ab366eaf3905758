"""Own events: the rows at which a column does what it seldom does, and cuts that serve many columns."""

import numpy as np
import pytest

from fleetcast.audit.own_events import choose_cuts, own_events

N_ROWS = 1000


def events_of(values: np.ndarray, n_wanted: int = 3) -> list[int]:
    return np.flatnonzero(own_events(values[:, None].astype(np.float32), n_wanted=n_wanted)[:, 0]).tolist()


def flag(*rows: int) -> np.ndarray:
    values = np.zeros(N_ROWS)
    values[list(rows)] = 100.0
    return values


def test_a_flag_does_something_where_it_rises() -> None:
    assert events_of(flag(30, 400, 401, 402, 777)) == [30, 400, 777]


def test_that_it_falls_counts_where_it_rises_too_seldom() -> None:
    assert events_of(flag(30, 777)) == [30, 31, 777, 778]


def test_a_counter_does_something_where_it_begins_anew() -> None:
    values = np.arange(N_ROWS) % 250 + 5.0
    assert events_of(values) == [250, 500, 750]


def test_a_walk_does_something_where_it_jumps() -> None:
    values = np.cumsum(np.random.default_rng(0).normal(size=N_ROWS))
    values[600:] += 500
    assert 600 in events_of(values)


def test_becoming_known_and_unknown_are_events() -> None:
    values = np.full(N_ROWS, np.nan)
    values[[10, 500, 900]] = -0.25
    assert events_of(values) == [10, 500, 900]


@pytest.mark.parametrize("constant", [0.0, 7.0, np.nan])
def test_a_column_that_never_changes_has_none(constant: float) -> None:
    assert events_of(np.full(N_ROWS, constant)) == []


def test_the_last_row_is_never_one() -> None:
    assert events_of(flag(30, 400, N_ROWS - 1), n_wanted=2) == [30, 400]


def test_each_column_is_cut_at_as_many_events_as_wanted_or_all_that_it_has() -> None:
    events = np.random.default_rng(1).random((200, 40)) < 0.05
    events[:, 7] = False
    events[[3, 9], 8] = True
    events[np.setdiff1d(np.arange(200), [3, 9]), 8] = False
    cuts = [(row, columns.tolist()) for row, columns in choose_cuts(events, n_events=4)]
    rows = [row for row, _ in cuts]
    assert len(set(rows)) == len(rows)
    for column in range(40):
        at = [row for row, columns in cuts if column in columns]
        assert events[at, column].all()
        assert len(at) == min(4, events[:, column].sum())


def test_columns_share_cuts_where_they_can() -> None:
    events = np.zeros((100, 5), dtype=np.bool_)
    events[[20, 40, 60], :] = True
    events[[1, 2, 3, 5, 7], [0, 1, 2, 3, 4]] = True
    assert [row for row, _ in choose_cuts(events, n_events=3)] == [20, 40, 60]
