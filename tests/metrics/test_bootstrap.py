import numpy as np
import pytest

from fleetcast.metrics.bootstrap import block_weights


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
