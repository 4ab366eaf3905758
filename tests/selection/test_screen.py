"""The screen's rules, one by one, and that blocks and threads decide nothing."""

import numpy as np
import pytest

from fleetcast.selection.screen import Screen, ScreenRules

N_ROWS = 1000


@pytest.fixture
def random():
    return np.random.default_rng(3)


def screened(columns: dict[str, np.ndarray], **rules) -> Screen:
    screen = Screen(N_ROWS, ScreenRules(**rules))
    screen.add_block(list(columns), np.column_stack(list(columns.values())).astype(np.float32))
    return screen


def with_unknown(column: np.ndarray, places: slice | np.ndarray) -> np.ndarray:
    changed = column.copy()
    changed[places] = np.nan
    return changed


def test_column_that_moves_is_kept(random):
    screen = screened({"a": random.normal(size=N_ROWS)})
    assert (screen.kept, screen.dropped) == (["a"], {})


@pytest.mark.parametrize(("n_unknown", "is_kept"), [(700, True), (701, False)])
def test_more_than_seventy_percent_missing_is_dropped(random, n_unknown, is_kept):
    screen = screened({"a": with_unknown(random.normal(size=N_ROWS), slice(0, n_unknown))})
    assert (screen.kept == ["a"]) == is_kept
    if not is_kept:
        assert (screen.dropped["a"].reason, screen.dropped["a"].value) == ("missing", pytest.approx(0.701))


def test_column_without_any_value_is_missing():
    assert screened({"a": np.full(N_ROWS, np.nan)}).dropped["a"].reason == "missing"


def test_column_that_ends_after_its_first_values_is_unknown_after_warm_up(random):
    drop = screened({"a": with_unknown(random.normal(size=N_ROWS), slice(50, None))}).dropped["a"]
    assert (drop.reason, drop.value) == ("unknown_after_warm_up", pytest.approx(0.95))


def test_warm_up_does_not_count_as_unknown_after_it(random):
    assert screened({"a": with_unknown(random.normal(size=N_ROWS), slice(0, 690))}).kept == ["a"]


@pytest.mark.parametrize(("n_same", "is_kept"), [(950, True), (951, False)])
def test_more_than_ninety_five_percent_of_one_value_is_dropped(random, n_same, is_kept):
    column = random.normal(size=N_ROWS)
    column[:n_same] = 0
    screen = screened({"a": random.permutation(column)})
    assert (screen.kept == ["a"]) == is_kept
    assert is_kept or screen.dropped["a"].reason == "one_value"


def test_one_value_counts_known_rows_alone(random):
    column = with_unknown(np.zeros(N_ROWS), slice(0, 600))
    column[-30:] = random.normal(size=30)
    assert screened({"a": column}).kept == ["a"]


def test_variance_under_the_threshold_is_dropped(random):
    columns = {"small": random.normal(size=N_ROWS) * 1e-6, "large": random.normal(size=N_ROWS) * 1e-4}
    screen = screened(columns)
    assert screen.kept == ["large"]
    assert screen.dropped["small"].reason == "low_variance"


@pytest.mark.parametrize("sign", [1, -1])
def test_column_that_resembles_an_earlier_one_is_dropped_with_its_name(random, sign):
    first, second = random.normal(size=(2, N_ROWS))
    columns = {"other": second, "first": first, "copy": sign * first + 0.1 * second, "free": first + 2 * second}
    screen = screened({**columns, "free": random.normal(size=N_ROWS)})
    assert screen.kept == ["other", "first", "free"]
    drop = screen.dropped["copy"]
    assert (drop.reason, drop.kept_column) == ("correlated", "first")
    assert drop.value == pytest.approx(abs(np.corrcoef(first, columns["copy"])[0, 1]), abs=1e-4)


def test_dropped_column_drops_no_other(random):
    """b resembles a, c resembles b and not a: c stays, because b is gone."""
    x, y = random.normal(size=(2, N_ROWS))
    columns = {"a": x, "b": x + 0.45 * y, "c": x + 1.1 * y}
    assert abs(np.corrcoef(columns["b"], columns["c"])[0, 1]) > 0.9 > abs(np.corrcoef(x, columns["c"])[0, 1])
    screen = screened(columns)
    assert screen.kept == ["a", "c"]
    assert screen.dropped["b"].kept_column == "a"


def test_correlation_of_known_rows_counts(random):
    column = random.normal(size=N_ROWS)
    screen = screened({"a": column, "b": with_unknown(column, np.arange(0, N_ROWS, 10))})
    assert screen.dropped["b"].kept_column == "a"


def test_blocks_of_any_size_give_the_same_screen(random):
    base = random.normal(size=(N_ROWS, 4))
    values = (base @ random.normal(size=(4, 60)) + 0.3 * random.normal(size=(N_ROWS, 60))).astype(np.float32)
    names = [f"c{i}" for i in range(60)]
    whole = Screen(N_ROWS, ScreenRules())
    whole.add_block(names, values)
    parts = Screen(N_ROWS, ScreenRules())
    for first in range(0, 60, 7):
        parts.add_block(names[first : first + 7], values[:, first : first + 7])
    assert 5 < len(whole.kept) < 55
    assert parts.kept == whole.kept
    assert parts.dropped == whole.dropped


def test_kept_columns_equal_a_slow_greedy_loop(random):
    values = random.normal(size=(N_ROWS, 8)) @ random.normal(size=(8, 40))
    expected: list[int] = []
    for i in range(40):
        if all(abs(np.corrcoef(values[:, i], values[:, k])[0, 1]) <= 0.9 for k in expected):
            expected.append(i)
    assert 5 < len(expected) < 40
    assert screened({str(i): values[:, i] for i in range(40)}).kept == [str(i) for i in expected]


def test_correlation_looks_at_every_kth_row(random):
    column = random.normal(size=N_ROWS)
    other = random.normal(size=N_ROWS)
    other[::4] = column[::4]
    assert screened({"a": column, "b": other}).kept == ["a", "b"]
    assert screened({"a": column, "b": other}, max_sample_rows=250).kept == ["a"]
