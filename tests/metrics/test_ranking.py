import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from fleetcast.metrics.ranking import Ranking, random_average_precision


@st.composite
def ranked_rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n_rows = draw(st.integers(2, 40))
    score = np.array(draw(st.lists(st.sampled_from([0.1, 0.2, 0.5, 0.9]), min_size=n_rows, max_size=n_rows)))
    positive = np.array(draw(st.lists(st.booleans(), min_size=n_rows, max_size=n_rows)))
    positive[0], positive[1] = True, False
    weights = np.array(draw(st.lists(st.integers(0, 5), min_size=n_rows, max_size=n_rows)), np.float32)
    weights[:2] = 1
    return score, positive, weights


@given(ranked_rows())
@settings(max_examples=200, deadline=None)
def test_weighted_metrics_equal_those_of_scikit_learn(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    score, positive, weights = rows
    ranking = Ranking(score, positive)
    draws = np.stack([np.ones(len(score), np.float32), weights], axis=1)
    expected = [average_precision_score(positive, score, sample_weight=w) for w in draws.T]
    np.testing.assert_allclose(ranking.average_precision(draws), expected, atol=1e-6)
    expected = [roc_auc_score(positive, score, sample_weight=w) for w in draws.T]
    np.testing.assert_allclose(ranking.roc_auc(draws), expected, atol=1e-6)
    np.testing.assert_allclose(ranking.average_precision(), average_precision_score(positive, score), atol=1e-12)


def test_a_draw_without_positive_rows_has_no_value() -> None:
    ranking = Ranking(np.array([0.3, 0.2]), np.array([True, False]))
    weights = np.array([[0], [1]], np.float32)
    assert np.isnan(ranking.average_precision(weights)).all()
    assert np.isnan(ranking.roc_auc(weights)).all()


@pytest.mark.parametrize(("n_rows", "n_positive"), [(2, 1), (5, 1), (6, 3), (7, 6), (4, 4)])
def test_random_baseline_is_the_mean_over_all_orders(n_rows: int, n_positive: int) -> None:
    score = np.arange(n_rows)[::-1].astype(float)
    values = []
    for chosen in itertools.combinations(range(n_rows), n_positive):
        positive = np.zeros(n_rows, bool)
        positive[list(chosen)] = True
        values.append(average_precision_score(positive, score))
    assert random_average_precision(n_rows, n_positive) == pytest.approx(np.mean(values), abs=1e-12)


def test_random_baseline_of_nothing_has_no_value() -> None:
    assert np.isnan(random_average_precision(0, 0))
    assert np.isnan(random_average_precision(10, 0))
