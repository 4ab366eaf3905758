import numpy as np
import pytest

from fleetcast.ledger.overfitting import N_BLOCKS, N_HALVINGS, half_weights, halvings, measure_overfitting


def made_up_gains(n_trials: int = 8, n_rows: int = 400) -> np.ndarray:
    trial, row = np.arange(n_trials)[:, None], np.arange(n_rows)[None]
    return np.sin(2.3 * (trial + 1) ** 2 * (row + 3)) + 0.3 * np.cos(0.005 * (trial + 2) * row) + 0.02 * trial


def half_means(gains: np.ndarray, reach: int = 0) -> np.ndarray:
    row = np.arange(gains.shape[1] - reach)
    weights = half_weights(row, row + reach, start=0, stop=gains.shape[1])
    return gains[:, row] @ weights / weights.sum(axis=0)


def test_probability_equals_a_published_implementation() -> None:
    # purgedcv 0.1.11: probability_of_backtest_overfitting(made_up_gains(), n_splits=10, metric=numpy.mean).pbo; it
    # counts logits below 0, as pypbo counts those up to 0, and of 8 trials none is 0.
    found = measure_overfitting(half_means(made_up_gains()))
    assert found.probability == pytest.approx(0.694444, abs=1e-6)
    assert (found.n_trials, found.n_halvings) == (8, 252)


def test_halvings_are_all_choices_and_the_complement_stands_at_the_other_end() -> None:
    halves = halvings(N_BLOCKS)
    assert halves.shape == (N_HALVINGS, N_BLOCKS) == (252, 10)
    assert len({tuple(half) for half in halves}) == 252
    assert set(halves.sum(axis=1)) == {5}
    np.testing.assert_array_equal(halves[::-1], ~halves)


def test_a_half_holds_the_rows_whose_labels_lie_in_it() -> None:
    rng = np.random.default_rng(0)
    row = np.sort(rng.integers(1000, 1190, size=60))
    end_row = np.minimum(row + rng.integers(1, 50, size=60), 1199)
    weights = half_weights(row, end_row, start=1000, stop=1200)
    for k, half in enumerate(halvings(N_BLOCKS)):
        inside = [all(half[(bar - 1000) // 20] for bar in range(a, b + 1)) for a, b in zip(row, end_row, strict=True)]
        np.testing.assert_array_equal(weights[:, k] == 1, inside)


def test_no_row_is_in_both_halves_and_labels_across_an_edge_are_in_neither() -> None:
    row = np.arange(90)
    weights = half_weights(row, row + 7, start=0, stop=100)
    assert (weights + weights[:, ::-1]).max() == 1
    assert (weights[4] + weights[4, ::-1]).min() == 0  # ends in the next block
    assert (weights[2] + weights[2, ::-1]).min() == 1  # ends in its own


def test_a_trial_that_is_always_best_is_no_overfitting() -> None:
    gains = made_up_gains()
    gains[3] += 10
    assert measure_overfitting(half_means(gains)).probability == 0


def test_trials_that_are_good_in_one_half_only_are_all_overfitting() -> None:
    gains = np.zeros((N_BLOCKS, 1000))
    for trial in range(N_BLOCKS):  # each is good in one block: whichever half chooses it, the other has nothing of it
        gains[trial, 100 * trial : 100 * (trial + 1)] = 1 + trial / 100
    assert measure_overfitting(half_means(gains)).probability == 1


def test_choosing_among_noise_is_like_a_coin() -> None:
    found = [
        measure_overfitting(half_means(np.random.default_rng(seed).standard_normal((20, 500)))).probability
        for seed in range(40)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=0.1)


def test_the_median_counts_as_overfit() -> None:
    scores = np.array([[3.0, 1.0], [2.0, 0.0], [1.0, 2.0]])  # the first is chosen first and is in the middle then
    assert measure_overfitting(scores).probability == 1


def test_equal_scores_share_a_rank() -> None:
    assert measure_overfitting(np.ones((4, N_HALVINGS))).probability == 1  # in the middle: nothing speaks for it


@pytest.mark.parametrize("n_trials", [0, 1])
def test_without_two_trials_there_is_nothing_to_choose(n_trials: int) -> None:
    found = measure_overfitting(np.ones((n_trials, N_HALVINGS)))
    assert found.probability is None
    assert (found.n_trials, found.n_halvings) == (n_trials, 0)


def test_a_trial_without_a_score_on_a_half_is_not_compared_there() -> None:
    scores = half_means(made_up_gains())
    expected = measure_overfitting(scores).probability
    with_gaps = np.concatenate([scores, np.full((1, N_HALVINGS), np.nan)])
    assert measure_overfitting(with_gaps).probability == expected
    with_gaps[-1, 0] = 100.0  # the best of the first half, and unknown on the other
    assert measure_overfitting(with_gaps).probability == expected
