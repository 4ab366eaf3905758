import numpy as np
import pytest

from fleetcast.sequence.return_scores import baseline_returns, coverages, interval_factor, score_returns

rng = np.random.default_rng(0)
TRUE = rng.normal(0, 0.02, 5000)


def test_scores_are_those_of_plain_formulas() -> None:
    said = 0.5 * TRUE + rng.normal(0, 0.01, 5000)
    found = score_returns(TRUE, said)
    error = said - TRUE
    assert len(found) >= 10
    assert found["mse"] == pytest.approx((error**2).mean())
    assert found["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert found["mae"] == pytest.approx(np.abs(error).mean())
    assert found["r2"] == pytest.approx(1 - (error**2).sum() / ((TRUE - TRUE.mean()) ** 2).sum())
    assert found["pearson"] == pytest.approx(np.corrcoef(TRUE, said)[0, 1])
    assert found["directional_accuracy"] == pytest.approx(((said > 0) == (TRUE > 0)).mean())


def test_a_constant_forecast_has_no_correlation() -> None:
    found = score_returns(TRUE, np.zeros(5000))
    assert found["pearson"] == found["spearman"] == 0
    assert found["r2_over_zero"] == pytest.approx(0)


def test_widened_intervals_hold_what_they_claim() -> None:
    said, deviation = np.zeros(5000), np.full(5000, 0.002)
    factor = interval_factor(TRUE[:2500], said[:2500], deviation[:2500])
    assert coverages(TRUE[2500:], said[2500:], deviation[2500:])["coverage_90"] < 0.3
    after = coverages(TRUE[2500:], said[2500:], factor * deviation[2500:])
    assert after["coverage_90"] == pytest.approx(0.9, abs=0.02)
    assert after["coverage_50"] == pytest.approx(0.5, abs=0.04)


def test_baselines_know_training_and_the_past_alone() -> None:
    found = baseline_returns(np.array([0.1, 0.3]), np.array([0.5, -0.5]))
    assert {name: list(values) for name, values in found.items()} == {
        "no change": [0, 0],
        "mean of training": [0.2, 0.2],
        "the last return again": [0.5, -0.5],
    }
