import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from fleetcast.evaluation.judging import judge, random_macro_average_precision, reason_not_to_judge
from fleetcast.metrics.bootstrap import block_weights

N_ROWS = 600


@pytest.fixture
def y() -> np.ndarray:
    return np.random.default_rng(0).choice(3, size=N_ROWS, p=[0.2, 0.3, 0.5]).astype(np.int8)


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def probabilities_that_know(y: np.ndarray, *, strength: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(len(y), 3))
    return softmax(noise + strength * np.eye(3)[y])


def weights(n_draws: int = 300) -> np.ndarray:
    return block_weights(N_ROWS, 20, n_draws=n_draws, seed=0)


def test_estimates_equal_those_of_scikit_learn(y: np.ndarray) -> None:
    p, structure = (probabilities_that_know(y, strength=s, seed=i) for i, s in enumerate((1.0, 0.2)))
    metrics = judge(p, structure, y=y, weights=weights())
    macro = np.mean([average_precision_score(y == k, p[:, k]) for k in range(3)])
    structure_macro = np.mean([average_precision_score(y == k, structure[:, k]) for k in range(3)])
    decided = y < 2
    direction = roc_auc_score(y[decided] == 0, p[decided, 0] / (p[decided, 0] + p[decided, 1]))
    assert metrics["macro_average_precision"] == pytest.approx(macro)
    assert metrics["delta"] == pytest.approx(macro - structure_macro)
    assert metrics["direction"] == pytest.approx(direction)
    assert metrics["neither_auc"] == pytest.approx(roc_auc_score(y == 2, p[:, 2]))
    assert metrics["log_loss"] == pytest.approx(log_loss(y, p))
    assert metrics["score"] == pytest.approx((macro - metrics["random_baseline"]) / metrics["standard_error"])


def test_intervals_hold_the_estimate_and_part_skill_from_none(y: np.ndarray) -> None:
    know_nothing = probabilities_that_know(y, strength=0.0, seed=1)
    skilled = judge(probabilities_that_know(y, strength=1.0, seed=0), know_nothing, y=y, weights=weights())
    for name in ("macro_average_precision", "delta", "direction"):
        assert skilled[f"{name}_low"] < skilled[name] < skilled[f"{name}_high"]
    assert skilled["delta_low"] > 0
    assert skilled["direction_low"] > 0.5
    unskilled = judge(probabilities_that_know(y, strength=0.0, seed=2), know_nothing, y=y, weights=weights())
    assert unskilled["delta_low"] < 0 < unskilled["delta_high"]
    assert unskilled["direction_low"] < 0.5 < unskilled["direction_high"]


def test_volatility_alone_gives_precision_but_no_direction(y: np.ndarray) -> None:
    knows_neither = probabilities_that_know(np.where(y == 2, 2, 0), strength=2.0, seed=0)
    knows_neither[:, :2] = knows_neither[:, :2].mean(axis=1, keepdims=True)
    noise = np.random.default_rng(6).uniform(0.9, 1.1, size=(N_ROWS, 2))
    knows_neither[:, :2] *= noise
    metrics = judge(knows_neither, knows_neither, y=y, weights=weights())
    assert metrics["score"] > 3
    assert metrics["delta"] == 0
    assert metrics["direction"] == pytest.approx(0.5, abs=0.1)


def test_random_baseline_exceeds_a_third_in_small_samples() -> None:
    y = np.repeat([0, 1, 2], 10).astype(np.int8)
    assert random_macro_average_precision(y) > 0.36
    assert random_macro_average_precision(np.tile(y, 1000)) == pytest.approx(1 / 3, abs=1e-3)


def test_thin_parts_are_not_judged() -> None:
    def classes(*counts: int) -> np.ndarray:
        return np.repeat([0, 1, 2], counts).astype(np.int8)

    enough, holdout = classes(20, 20, 20), classes(10, 10, 10)
    assert reason_not_to_judge(enough, holdout, holdout_uniqueness=30.0) is None
    assert (
        reason_not_to_judge(classes(20, 19, 20), holdout, holdout_uniqueness=30.0)
        == "validation holds 19 rows of class reversal, at least 20 needed"
    )
    assert (
        reason_not_to_judge(enough, classes(10, 10, 9), holdout_uniqueness=30.0)
        == "holdout holds 9 rows of class neither, at least 10 needed"
    )
    assert "uniqueness is 29.9" in str(reason_not_to_judge(enough, holdout, holdout_uniqueness=29.9))
