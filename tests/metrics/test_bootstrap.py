import numpy as np
import pytest

from fleetcast.errors import DataError
from fleetcast.metrics.bootstrap import block_weights, draw_time


@pytest.mark.parametrize(("n_rows", "block_rows"), [(50, 7), (50, 50), (50, 80), (1, 1)])
def test_each_draw_is_whole_circular_blocks(n_rows: int, block_rows: int) -> None:
    weights = block_weights(n_rows, block_rows, n_draws=20, seed=3)
    block_rows = min(block_rows, n_rows)
    n_blocks = -(-n_rows // block_rows)
    starts = np.random.default_rng(3).integers(0, n_rows, size=(20, n_blocks))
    for draw in range(20):
        expected = np.zeros(n_rows)
        for start in starts[draw]:
            for offset in range(block_rows):
                expected[(start + offset) % n_rows] += 1
        np.testing.assert_array_equal(weights[:, draw], expected)


def test_same_seed_gives_same_draws() -> None:
    first, second = (block_weights(100, 10, n_draws=5, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, block_weights(100, 10, n_draws=5, seed=2))


def test_standard_error_of_a_mean_of_blocks_matches_theory() -> None:
    n_rows, block_rows = 4000, 20
    values = np.repeat(np.random.default_rng(0).normal(size=n_rows // block_rows), block_rows)
    weights = block_weights(n_rows, 2 * block_rows, n_draws=2000, seed=0)
    means = values @ weights / weights.sum(axis=0)
    assert np.std(means) == pytest.approx(1 / np.sqrt(n_rows / block_rows), rel=0.2)


@pytest.mark.parametrize("block_rows", [1, 7, 60, 100])
def test_draws_of_time_are_the_weights_of_its_rows(block_rows: int) -> None:
    draws = draw_time(1000, 1060, block_rows=block_rows, n_draws=230, seed=4)
    weights = block_weights(60, block_rows, n_draws=230, seed=4)
    row = np.array([1000, 1059, 1017, 1017], np.int32)
    np.testing.assert_array_equal(draws.weights(row), weights[row - 1000])
    assert draws.weights(row).dtype == np.float32
    assert draws.weights(row[:0]).shape == (0, 230)
    assert (draws.start, draws.stop, draws.n_draws) == (1000, 1060, 230)


@pytest.mark.parametrize("row", [999, 1060])
def test_rows_outside_the_drawn_span_are_refused(row: int) -> None:
    draws = draw_time(1000, 1060, block_rows=7, n_draws=3, seed=4)
    with pytest.raises(DataError, match=r"expected rows of the drawn span \[1000, 1060\)"):
        draws.weights(np.array([1001, row]))


def test_standard_error_of_a_dependent_series_equals_a_published_implementation() -> None:
    values = np.sin(np.arange(400) / 7) + np.sin(np.arange(400) * 1.7)
    weights = block_weights(400, 20, n_draws=20_000, seed=0)
    # arch 8.0.0: CircularBlockBootstrap(20, values, seed=1).apply(numpy.mean, 20_000).std(ddof=1)
    assert np.std(values @ weights / 400, ddof=1) == pytest.approx(0.110056, rel=0.02)
