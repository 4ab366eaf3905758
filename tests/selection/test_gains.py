"""The shallow model: finds what is planted, and gives the same bits on any number of threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fleetcast.selection.gains import bin_columns, column_gains

N_ROWS, N_COLUMNS, PLANTED = 1500, 200, (7, 80, 151)


@pytest.fixture(scope="module")
def problem():
    """Three columns of 200 decide the class; some values are unknown."""
    random = np.random.default_rng(0)
    X = random.normal(size=(N_ROWS, N_COLUMNS)).astype(np.float32)
    score = X[:, PLANTED].sum(axis=1) + random.normal(size=N_ROWS)
    y = np.digitize(score, [-1, 1]).astype(np.int8)
    X[random.random(X.shape) < 0.05] = np.nan
    return bin_columns(X), y


def gains_of(problem, seed: int):
    binned, y = problem
    fit, stop = np.arange(1100), np.arange(1150, N_ROWS)
    return column_gains(binned, fit=fit, fit_y=y[fit], stop=stop, stop_y=y[stop], seed=seed)


def test_planted_columns_have_the_largest_gains(problem):
    found = gains_of(problem, seed=0)
    assert sorted(np.argsort(-found.gains)[:3].tolist()) == sorted(PLANTED)
    assert found.gains.shape == (N_COLUMNS,)
    assert found.best_round > 20


def test_models_side_by_side_equal_models_in_turn(problem):
    in_turn = [gains_of(problem, seed).gains for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        side_by_side = [found.gains for found in pool.map(lambda seed: gains_of(problem, seed), range(4))]
    np.testing.assert_array_equal(side_by_side, in_turn)


def test_seed_changes_which_columns_trees_see(problem):
    assert (gains_of(problem, 0).gains != gains_of(problem, 1).gains).any()


def test_noise_stops_early_and_still_has_gains():
    random = np.random.default_rng(1)
    X = random.normal(size=(600, 50)).astype(np.float32)
    y = random.integers(0, 3, 600).astype(np.int8)
    fit, stop = np.arange(400), np.arange(420, 600)
    found = column_gains(bin_columns(X), fit=fit, fit_y=y[fit], stop=stop, stop_y=y[stop], seed=0)
    assert found.best_round < 60
    assert found.gains.sum() > 0
