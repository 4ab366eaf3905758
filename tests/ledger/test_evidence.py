import numpy as np
import pytest

from fleetcast.evaluation.judging import Distribution
from fleetcast.ledger.effects import TrialEffects
from fleetcast.ledger.evidence import gather_evidence
from fleetcast.ledger.overfitting import N_HALVINGS

N_DRAWS = 100


def made_up_trial(estimate: float, draws: np.ndarray) -> TrialEffects:
    """The same for both statistics."""
    halves = Distribution(estimate, np.full(N_HALVINGS, estimate))
    return TrialEffects((Distribution(estimate, draws),) * 2, (halves,) * 2)


def normal_draws(centre: float = 0.0) -> np.ndarray:
    return centre + np.random.default_rng(0).standard_normal(N_DRAWS)


def test_t_is_the_estimate_in_standard_errors_and_t_star_is_centred_on_it() -> None:
    draws = normal_draws(centre=0.4)
    evidence = gather_evidence([made_up_trial(0.3, draws)], n_trials=1, n_draws=N_DRAWS)
    error = np.std(draws, ddof=1)
    np.testing.assert_allclose(evidence.t, [[0.3 / error] * 2])
    np.testing.assert_allclose(evidence.t_star[0, 1], (draws - 0.3) / error, rtol=1e-5)
    assert evidence.t_star.dtype == evidence.half_scores.dtype == np.float32
    np.testing.assert_allclose(evidence.half_scores, 0.3)


@pytest.mark.parametrize(
    ("estimate", "draws"),
    [
        pytest.param(np.nan, np.full(N_DRAWS, np.nan), id="no value"),
        pytest.param(0.1, np.where(np.arange(N_DRAWS) < 6, np.nan, normal_draws()), id="too few draws with a value"),
        pytest.param(0.1, np.full(N_DRAWS, 0.1), id="no draw differs"),
        pytest.param(0.1, 0.1 + 1e-9 * normal_draws(), id="draws differ by rounding"),
    ],
)
def test_what_cannot_be_tested_has_no_t_and_leaves_the_others_alone(estimate: float, draws: np.ndarray) -> None:
    trials = [made_up_trial(0.3, normal_draws()), made_up_trial(estimate, draws)]
    evidence = gather_evidence(trials, n_trials=2, n_draws=N_DRAWS)
    assert np.all(np.isnan(evidence.t[1]))
    assert np.all(np.isnan(evidence.t_star[1]))
    assert np.all(np.isfinite(evidence.t_star[0]))


def test_a_few_draws_without_a_value_do_no_harm() -> None:
    draws = np.where(np.arange(N_DRAWS) < 5, np.nan, normal_draws())
    evidence = gather_evidence([made_up_trial(0.3, draws)], n_trials=1, n_draws=N_DRAWS)
    assert evidence.standard_error[0, 0] == pytest.approx(np.std(draws[5:], ddof=1))


@pytest.mark.parametrize("n_trials", [0, 2])
def test_another_number_of_trials_is_refused(n_trials: int) -> None:
    with pytest.raises(ValueError, match=r"zip\(\) argument 2 is (longer|shorter) than argument 1"):
        gather_evidence([made_up_trial(0.3, normal_draws())], n_trials=n_trials, n_draws=N_DRAWS)


def test_no_trial_is_no_evidence() -> None:
    evidence = gather_evidence([], n_trials=0, n_draws=N_DRAWS)
    assert evidence.t.shape == (0, 2)
    assert evidence.t_star.shape == (0, 2, N_DRAWS)
