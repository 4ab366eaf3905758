import numpy as np
import pytest

from fleetcast.evaluation.judging import judge
from fleetcast.ledger.effects import VariantJudge, rank_in_fold
from fleetcast.ledger.overfitting import N_HALVINGS, half_weights
from fleetcast.metrics.bootstrap import TimeDraws, draw_time

ROW = np.arange(100, 400, 2)
Y = (np.arange(len(ROW)) * 7 % 3).astype(np.int8)


@pytest.fixture
def draws() -> TimeDraws:
    return draw_time(100, 420, block_rows=20, n_draws=50, seed=1)


def random_probabilities(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet([1, 1, 1], size=len(ROW))


def judge_variant(draws: TimeDraws, y: np.ndarray = Y, rows: slice = slice(None)) -> VariantJudge:
    row = ROW[rows]
    one_fold = np.zeros(len(row), int)
    return VariantJudge(y[rows], row=row, end_row=row + 5, draws=draws, fold=one_fold, span=(draws.start, draws.stop))


def test_effects_are_those_that_variants_are_judged_by(draws: TimeDraws) -> None:
    own = random_probabilities(1)
    effects = judge_variant(draws).effects_of(own, random_probabilities(0))
    metrics = judge(own, random_probabilities(0), y=Y, weights=draws.weights(ROW))
    delta, direction = effects.over_draws
    assert delta.estimate == pytest.approx(metrics["delta"])
    assert direction.estimate == pytest.approx(metrics["direction"] - 0.5)
    assert delta.named("delta") == pytest.approx({k: v for k, v in metrics.items() if k.startswith("delta")})
    assert direction.draws.max() < 0.5


def test_scores_of_halves_are_those_of_their_rows_alone(draws: TimeDraws) -> None:
    own = random_probabilities(1)
    effects = judge_variant(draws).effects_of(own, random_probabilities(0))
    inside = half_weights(ROW, ROW + 5, start=100, stop=420)[:, 17] == 1
    alone = judge(own[inside], random_probabilities(0)[inside], y=Y[inside], weights=draws.weights(ROW[inside]))
    delta, direction = effects.over_halves
    assert delta.draws.shape == direction.draws.shape == (N_HALVINGS,)
    assert delta.draws[17] == pytest.approx(alone["delta"], abs=1e-6)
    assert direction.draws[17] == pytest.approx(alone["direction"] - 0.5, abs=1e-6)


def test_a_trial_like_its_baseline_has_no_delta(draws: TimeDraws) -> None:
    delta, _ = judge_variant(draws).effects_of(random_probabilities(0), random_probabilities(0)).over_draws
    assert delta.estimate == 0
    assert np.all(delta.draws == 0)


def test_trials_of_a_variant_do_not_change_each_other(draws: TimeDraws) -> None:
    variant = judge_variant(draws)
    first = variant.effects_of(random_probabilities(1), random_probabilities(0)).over_draws[0].draws
    variant.effects_of(random_probabilities(2), random_probabilities(0))
    np.testing.assert_array_equal(
        variant.effects_of(random_probabilities(1), random_probabilities(0)).over_draws[0].draws, first
    )


@pytest.mark.parametrize(
    ("y", "rows"),
    [
        pytest.param(np.minimum(Y, 1), slice(None), id="a class is missing"),
        pytest.param(Y, slice(0, 0), id="no row"),
        pytest.param(Y, slice(0, 1), id="one row"),
    ],
)
def test_rows_that_give_no_statistic_give_nan(draws: TimeDraws, y: np.ndarray, rows: slice) -> None:
    effects = judge_variant(draws, y, rows).effects_of(random_probabilities(1)[rows], random_probabilities(0)[rows])
    for effect in (*effects.over_draws, *effects.over_halves):
        assert np.isnan(effect.estimate)
        assert np.all(np.isnan(effect.draws))


def test_a_probability_that_is_none_gives_nan(draws: TimeDraws) -> None:
    broken = random_probabilities(1)
    broken[3, 1] = np.nan
    assert np.isnan(judge_variant(draws).effects_of(broken, random_probabilities(0)).over_draws[1].estimate)


def test_folds_are_compared_by_ranks_so_that_a_models_scale_does_not_count(draws: TimeDraws) -> None:
    fold = np.arange(len(ROW)) // 50
    own, structure = random_probabilities(1), random_probabilities(0)
    shifted = own.copy()
    shifted[fold == 1, 0] *= 0.01  # this fold's model hardly believes in breakouts, and ranks them as before
    expected, found = (
        VariantJudge(Y, row=ROW, end_row=ROW + 5, draws=draws, fold=fold, span=(draws.start, draws.stop)).effects_of(
            probabilities, structure
        )
        for probabilities in (own, shifted)
    )
    assert found.over_draws[1].estimate == pytest.approx(expected.over_draws[1].estimate)
    assert judge_variant(draws).effects_of(shifted, structure).over_draws[1].estimate != expected.over_draws[1].estimate


def test_ranks_in_a_fold_equal_a_slow_loop() -> None:
    scores, fold = np.array([[0.2], [0.9], [0.2], [0.5], [0.1]]), np.array([0, 0, 0, 1, 1])
    expected = [1.5 / 4, 3 / 4, 1.5 / 4, 2 / 3, 1 / 3]
    np.testing.assert_allclose(rank_in_fold(scores, fold)[:, 0], expected)
