import numpy as np
import numpy.typing as npt
import pytest

from fleetcast.ledger.multiplicity import across_edges, as_normal, effective_number, expected_best, step_down_p
from fleetcast.metrics.bootstrap import block_weights

N_DRAWS = 400


def independent_draws(n_tests: int, n_draws: int = N_DRAWS, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((n_tests, n_draws)).astype(np.float32)


def one_test_p(t: float, t_star: npt.NDArray[np.float32]) -> float:
    return float((1 + np.sum(t_star >= t)) / (len(t_star) + 1))


def test_p_values_equal_a_published_implementation() -> None:
    test, draw = np.arange(12), np.arange(200)[:, None]
    t = 4 * np.abs(np.cos(1.3 * test))
    t_star = 2.5 * np.abs(np.sin(0.37 * (draw + 1) * (1 + test % 4)) + 0.5 * np.sin(0.11 * (draw + 1) * (test + 1)))
    # pyfixest 0.60.0: pyfixest.estimation.post_estimation.multcomp._get_rwolf_pval(t, t_star); no value is negative,
    # so that its two sides are our one.
    expected = [0.00497512, 0.96517413, 0.37810945, 0.68159204, 0.83084577, 0.00497512]
    expected += [0.96517413, 0.00497512, 0.8159204, 0.75124378, 0.20895522, 0.96517413]
    np.testing.assert_allclose(step_down_p(t, t_star.T.astype(np.float32)), expected, atol=1e-8)


def test_few_blocks_of_time_make_a_large_t_less() -> None:
    t = np.array([-1.0, 0.0, 2.0, 4.0, np.nan])
    # One-sided p of 2 and 4 with 9 degrees of freedom: 0.03828 and 0.00156 in Student's t table.
    np.testing.assert_allclose(as_normal(t, n_blocks=10)[1:4], [0.0, 1.771, 2.956], atol=2e-3)
    assert as_normal(t, n_blocks=10)[0] == -as_normal(-t, n_blocks=10)[0]
    assert np.isnan(as_normal(t, n_blocks=10)[4])
    np.testing.assert_allclose(as_normal(t[:4], n_blocks=100_000), t[:4], atol=1e-3)


def test_what_overlapping_labels_share_across_blocks_makes_every_t_less() -> None:
    # Sums of the next h of independent steps, in blocks of 2 h: their mean's variance within blocks, over all of it.
    h, n_blocks = 20, 4000
    steps = np.random.default_rng(0).standard_normal(2 * h * n_blocks + h)
    sums = np.convolve(steps, np.ones(h), mode="valid")[: 2 * h * n_blocks]
    seen = sums.reshape(n_blocks, 2 * h).mean(axis=1).var() / (2 * h * n_blocks / (2 * h))
    whole = h**2 / len(sums)  # a mean of n such sums has almost the variance of h times a mean of n steps
    assert across_edges(np.array([1.0]))[0] == pytest.approx(np.sqrt(seen / whole), abs=0.02)


def test_p_values_equal_a_slow_loop() -> None:
    t, t_star = np.array([2.1, 0.3, 3.0, -1.0, 2.1]), independent_draws(5)
    left, floor, expected = list(range(5)), 0.0, {}
    while left:
        largest = max(left, key=lambda k: t[k])
        n_above = sum(max(t_star[k, draw] for k in left) >= t[largest] for draw in range(N_DRAWS))
        floor = max(floor, (1 + n_above) / (N_DRAWS + 1))
        expected[largest] = floor
        left.remove(largest)
    np.testing.assert_allclose(step_down_p(t, t_star), [expected[k] for k in range(5)])


def test_equal_statistics_have_equal_p_values() -> None:
    p = step_down_p(np.array([2.0, 2.0, 2.0]), independent_draws(3))
    assert p[0] == p[1] == p[2]


def test_one_test_needs_no_adjustment() -> None:
    t_star = independent_draws(1)
    assert step_down_p(np.array([1.5]), t_star)[0] == pytest.approx(one_test_p(1.5, t_star[0]))
    assert expected_best(t_star) == pytest.approx(float(t_star.mean()), abs=1e-6)


def test_copies_of_a_test_cost_nothing_and_independent_tests_do() -> None:
    one = independent_draws(1)
    copies = np.repeat(one, 50, axis=0)
    t = np.full(50, 2.5)
    assert step_down_p(t, copies)[0] == one_test_p(2.5, one[0])
    assert expected_best(copies) == pytest.approx(expected_best(one))
    assert step_down_p(t, independent_draws(50))[0] > 5 * step_down_p(t, copies)[0]


def test_a_later_step_compares_with_the_tests_left() -> None:
    # The first test's T* are huge, so nothing behind it could pass if it stayed in the comparison.
    t_star = np.concatenate([10 * independent_draws(1), independent_draws(1, seed=1)])
    p = step_down_p(np.array([100.0, 4.0]), t_star)
    assert p[1] == pytest.approx(1 / (N_DRAWS + 1))


def test_a_test_without_a_value_has_no_p_and_changes_no_other() -> None:
    t_star = independent_draws(3)
    p_alone = step_down_p(np.array([2.0, 1.0]), t_star[:2])
    t_star[2] = np.nan
    p = step_down_p(np.array([2.0, 1.0, np.nan]), t_star)
    np.testing.assert_array_equal(p[:2], p_alone)
    assert np.isnan(p[2])
    assert expected_best(t_star) == expected_best(t_star[:2])
    assert effective_number(t_star) == pytest.approx(effective_number(t_star[:2]))


def test_a_draw_without_a_value_is_left_out_of_its_maximum() -> None:
    t_star = np.array([[1.0, np.nan, 0.5], [0.0, 2.0, 4.0]], np.float32)
    assert expected_best(t_star) == pytest.approx((1 + 2 + 4) / 3)
    assert expected_best(t_star[:1]) == pytest.approx((1 + 0.5) / 2)
    np.testing.assert_allclose(step_down_p(np.array([1.5, 0.0]), t_star), [3 / 4, 1])


def test_no_test_at_all_gives_no_number() -> None:
    nothing = np.empty((0, N_DRAWS), np.float32)
    assert step_down_p(np.empty(0), nothing).shape == (0,)
    assert np.isnan(expected_best(nothing))
    assert np.isnan(effective_number(nothing))


def test_expected_best_of_independent_tests_is_that_of_normals() -> None:
    # The mean of the largest of 100 standard normals: 2.50759 (Harter 1961, table 1).
    assert expected_best(independent_draws(100, 20_000)) == pytest.approx(2.50759, abs=0.02)


@pytest.mark.parametrize(("n_copies", "expected"), [(1, 6.0), (7, 6.0)])
def test_effective_number_counts_independent_tests(n_copies: int, expected: float) -> None:
    independent = independent_draws(6, 60)
    centred = independent - independent.mean(axis=1, keepdims=True)
    orthogonal = np.linalg.qr(centred.T)[0].T  # exactly uncorrelated
    assert effective_number(np.repeat(orthogonal, n_copies, axis=0)) == pytest.approx(expected, rel=1e-3)


def test_effective_number_is_galweys_with_more_tests_than_draws_too() -> None:
    t_star = independent_draws(80, 30) + independent_draws(1, 30, seed=1)
    eigenvalues = np.clip(np.linalg.eigvalsh(np.corrcoef(t_star.astype(np.float64))), 0, None)
    slow = np.sqrt(eigenvalues).sum() ** 2 / eigenvalues.sum()
    assert effective_number(t_star) == pytest.approx(slow, rel=1e-3)
    assert effective_number(t_star[:20]) < 20


def test_same_tests_pass_as_in_a_published_step_down_test() -> None:
    n_rows = 600
    row, test = np.arange(n_rows)[:, None], np.arange(10)[None]
    noise = np.sin(1.37 * (test + 1) ** 2 * (row + 5)) + np.cos(0.77 * (test + 2) ** 2 * row)
    gain = noise + np.array([0.5, 0.4, 0.3, 0.2, 0.1, 0, 0, 0, -0.1, -0.2])
    weights = block_weights(n_rows, 20, n_draws=2000, seed=0)
    estimate = gain.mean(axis=0)
    draws = gain.T @ weights / weights.sum(axis=0)
    p = step_down_p(estimate, (draws - estimate[:, None]).astype(np.float32))  # it does not studentise
    # arch 8.0.0: StepM(zeros(600), -gain, size=0.05, block_size=20, reps=1000, bootstrap="circular", seed=3)
    np.testing.assert_array_equal(np.flatnonzero(p <= 0.05), [0, 1, 2])
