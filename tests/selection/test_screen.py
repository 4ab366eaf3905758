"""The screen's rules, one by one, and that blocks and threads decide nothing."""

import numpy as np
import pytest

from fleetcast.selection.screen import CHUNK_COLUMNS, Screen, ScreenRules

N_ROWS = 1000


@pytest.fixture
def random():
    return np.random.default_rng(3)


def screened(columns: dict[str, np.ndarray], **rules) -> Screen:
    screen = Screen(N_ROWS, ScreenRules(**rules))
    screen.add_block(list(columns), np.column_stack(list(columns.values())).astype(np.float32))
    screen.finish()
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
def test_column_that_resembles_a_kept_one_is_dropped_with_its_name(random, sign):
    first, second = random.normal(size=(2, N_ROWS))
    columns = {"other": second, "first": first, "likewise": sign * first + 0.1 * second}
    screen = screened({**columns, "free": random.normal(size=N_ROWS)})
    assert screen.kept == ["first", "free", "other"]
    drop = screen.dropped["likewise"]
    assert (drop.reason, drop.kept_column) == ("correlated", "first")
    assert drop.value == pytest.approx(abs(np.corrcoef(first, columns["likewise"])[0, 1]), abs=1e-4)


def test_of_columns_alike_the_one_known_longest_stays_then_the_simplest_then_the_first_by_name(random):
    x = random.normal(size=N_ROWS)
    known, simple, named = {"b.x.10": x, "a": with_unknown(x, slice(0, 1))}, {"b.y": x, "a.x.1": x}, {"b": x, "a": x}
    assert screened(known).kept == ["b.x.10"]
    assert screened(simple).kept == ["b.y"]
    assert screened(named).kept == ["a"]


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


@pytest.fixture
def alike(random) -> tuple[list[str], np.ndarray]:
    """60 columns in groups that resemble each other, some of them unknown for a while."""
    base = random.normal(size=(N_ROWS, 4))
    values = (base @ random.normal(size=(4, 60)) + 0.3 * random.normal(size=(N_ROWS, 60))).astype(np.float32)
    for i in range(0, 60, 5):
        values[:i, i] = np.nan
    return [f"c{i}" + ".more" * (i % 3) for i in range(60)], values


@pytest.mark.parametrize("size", [1, 7, 60])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_blocks_in_any_order_and_of_any_size_give_the_same_screen(alike, size, n_threads):
    names, values = alike
    whole = Screen(N_ROWS, ScreenRules())
    whole.add_block(names, values)
    whole.finish()
    parts = Screen(N_ROWS, ScreenRules())
    order = np.random.default_rng(size).permutation(60)
    for first in range(0, 60, size):
        places = order[first : first + size]
        parts.add_block([names[i] for i in places], values[:, places])
    parts.finish(n_threads=n_threads)
    assert 5 < len(whole.kept) < 55
    assert parts.kept == whole.kept
    assert parts.table() == whole.table()


def test_columns_of_different_products_are_compared(random):
    """More columns than one matrix product takes: each resembles one far away in the order."""
    base = random.normal(size=(N_ROWS, 150))
    twins = np.hstack([base, base, base, base + 0.01 * random.normal(size=base.shape)])
    assert len(twins.T) > 2 * CHUNK_COLUMNS
    screen = screened({f"c{i:03d}": column for i, column in enumerate(twins.T)})
    assert screen.kept == [f"c{i:03d}" for i in range(150)]
    assert screen.dropped["c599"].kept_column == "c149"


def test_table_has_a_row_for_each_dropped_column(random):
    x = random.normal(size=N_ROWS)
    rows = screened({"b": x, "a": x, "flat": np.zeros(N_ROWS)}).table().decode().splitlines()
    assert rows == ["name,reason,value,kept_column", "b,correlated,1,a", "flat,one_value,1,"]


def test_kept_columns_equal_a_slow_greedy_loop(random):
    values = random.normal(size=(N_ROWS, 8)) @ random.normal(size=(8, 40))
    expected: list[int] = []
    for i in range(40):
        if all(abs(np.corrcoef(values[:, i], values[:, k])[0, 1]) <= 0.9 for k in expected):
            expected.append(i)
    assert 5 < len(expected) < 40
    assert screened({f"{i:02d}": values[:, i] for i in range(40)}).kept == [f"{i:02d}" for i in expected]


def test_correlation_looks_at_every_kth_row(random):
    column = random.normal(size=N_ROWS)
    other = random.normal(size=N_ROWS)
    other[::4] = column[::4]
    assert screened({"a": column, "b": other}).kept == ["a", "b"]
    assert screened({"a": column, "b": other}, max_sample_rows=250).kept == ["a"]
