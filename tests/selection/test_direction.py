"""The statistic of direction: what it finds, what it leaves out, and what memory does not fool."""

import numpy as np
import numpy.typing as npt
import pytest

from fleetcast.selection.direction import N_GRADES, blocks_of, direction_scores, grade_columns

N_ROWS, HORIZON = 1200, 10


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def scores_of(X: npt.NDArray, y: npt.NDArray) -> npt.NDArray:
    """Where every row is an event."""
    row = np.arange(len(X))
    block = blocks_of(row, horizon_bars=HORIZON)
    return direction_scores(grade_columns(X.astype(np.float32)), place=row, y=y.astype(np.int8), block=block)


def with_memory(rng: np.random.Generator, *shape: int, memory: int) -> npt.NDArray:
    """Moving sums over so many rows."""
    steps = rng.normal(size=(shape[0] + memory, *shape[1:])).cumsum(axis=0)
    return steps[memory:] - steps[:-memory]


def test_columns_that_tell_direction_come_first_either_way_up(rng):
    X = rng.normal(size=(N_ROWS, 300))
    leaning = X[:, 7] - X[:, 150] + 2 * rng.normal(size=N_ROWS)
    y = np.where(rng.random(N_ROWS) < 0.5, 2, np.where(leaning > 0, 0, 1))
    assert set(np.argsort(-scores_of(X, y))[:2]) == {7, 150}


def test_a_column_that_tells_neither_alone_is_nothing(rng):
    X = rng.normal(size=(N_ROWS, 2))
    y = np.where(X[:, 0] > 0, 2, rng.integers(0, 2, N_ROWS))
    assert scores_of(X, y)[0] < 3


def test_it_is_the_rank_sum_in_standard_errors_over_blocks(rng):
    x = rng.permutation(np.repeat(np.arange(N_GRADES), 10))
    y = rng.integers(0, 3, len(x))
    rows = [row for row in range(len(x)) if y[row] < 2]
    share, mean = np.mean([y[row] == 0 for row in rows]), np.mean([x[row] for row in rows])
    sums: dict[int, float] = {}
    for row in rows:
        own = row // (2 * HORIZON)
        sums[own] = sums.get(own, 0.0) + (x[row] - mean) * ((y[row] == 0) - share)
    expected = abs(sum(sums.values())) / np.sqrt(sum(value**2 for value in sums.values()))
    assert scores_of(x[:, None], y)[0] == pytest.approx(expected, rel=1e-5)


def test_neither_labels_that_overlap_nor_columns_with_memory_look_like_an_edge(rng):
    y = (with_memory(rng, N_ROWS, memory=HORIZON) > 0).astype(np.int8)
    scores = scores_of(with_memory(rng, N_ROWS, 400, memory=20), y)
    assert np.mean(scores > 1.96) < 0.10
    assert np.mean(scores > 1.0) > 0.20  # else it would not be in standard errors


def test_only_the_order_of_values_counts(rng):
    X, y = rng.normal(size=(N_ROWS, 5)), rng.integers(0, 3, N_ROWS)
    np.testing.assert_array_equal(scores_of(X, y), scores_of(X**3, y))


@pytest.mark.parametrize("kinds", [(0, 100), (-100, 0, 100)])
def test_kinds_that_are_rare_have_grades_of_their_own(kinds):
    column = np.zeros(1000, dtype=np.float32)
    for place, kind in enumerate(kinds):
        column[100 * place : 100 * place + 60] = kind
    assert len(np.unique(grade_columns(column[:, None]))) == len(kinds)


def test_an_unknown_value_counts_as_the_median():
    column = np.arange(101, dtype=np.float32)
    grades = grade_columns(np.append(column, np.nan)[:, None])[0]
    assert grades[-1] == grades[50]
    assert np.all(np.diff(grades[:-1].astype(int)) >= 0)
    assert (grades.min(), grades.max()) == (0, N_GRADES)


@pytest.mark.parametrize("value", [3.0, np.nan])
def test_a_column_that_does_not_move_has_no_score(rng, value):
    X = np.column_stack([np.full(N_ROWS, value), rng.normal(size=N_ROWS)])
    scores = scores_of(X, rng.integers(0, 3, N_ROWS))
    assert scores[0] == 0
    assert scores[1] > 0


@pytest.mark.parametrize("classes", [(0, 2), (1, 2), (2,)])
def test_without_both_directions_there_is_no_score(rng, classes):
    y = rng.choice(classes, N_ROWS)
    np.testing.assert_array_equal(scores_of(rng.normal(size=(N_ROWS, 3)), y), 0)
