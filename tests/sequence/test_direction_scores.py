import numpy as np
import pytest

from fleetcast.sequence.direction_scores import (
    Estimate,
    calibration_error,
    differences,
    draw_blocks,
    error_when_calibrated,
    judge,
    tail_share,
)

rng = np.random.default_rng(0)
Y = rng.integers(0, 2, 400)
BLOCKS = draw_blocks(400, seed=0)


def test_values_are_those_of_plain_formulas() -> None:
    p = np.clip(0.3 * Y + rng.uniform(0, 0.7, 400), 0, 1)
    said = p > 0.5
    found = judge(Y, p, BLOCKS).estimates
    assert found["accuracy"].value == pytest.approx((said == (Y == 1)).mean(), abs=1e-6)
    assert found["mcc"].value == pytest.approx(np.corrcoef(Y, said)[0, 1], abs=1e-5)
    assert found["down_accuracy"].value == pytest.approx((~said)[Y == 0].mean(), abs=1e-6)
    assert found["brier"].value == pytest.approx(((p - Y) ** 2).mean(), abs=1e-6)
    pairs = (p[Y == 1][:, None] > p[Y == 0]).mean()
    assert found["roc_auc"].value == pytest.approx(pairs, abs=1e-5)


def test_intervals_hold_nothing_for_chance_and_exclude_it_for_knowledge() -> None:
    chance = judge(Y, rng.uniform(0, 1, 400), BLOCKS)
    knows = judge(Y, np.clip(0.4 * Y + rng.uniform(0, 0.6, 400), 0, 1), BLOCKS)
    assert chance.estimates["roc_auc"].excludes(0.5) == 0
    assert knows.estimates["roc_auc"].excludes(0.5) == 1
    assert differences(knows, chance, names=("accuracy",))["accuracy"].excludes(0.0) == 1
    assert differences(chance, knows, names=("accuracy",))["accuracy"].excludes(0.0) == -1


def test_a_constant_answer_has_no_correlation_and_equals_itself() -> None:
    always = judge(Y, np.ones(400), BLOCKS)
    assert always.estimates["mcc"].value == 0
    assert always.estimates["roc_auc"].value == 0.5
    assert differences(always, always, names=("accuracy",))["accuracy"] == Estimate(value=0, low=0, high=0)


def test_what_was_never_said_has_no_precision() -> None:
    never = judge(Y, np.zeros(400), BLOCKS).estimates
    assert never["precision"] == Estimate(value=None, low=None, high=None)
    assert never["precision"].excludes(0.5) == 0


def test_calibrated_probabilities_have_a_small_error() -> None:
    p = rng.uniform(0, 1, 20_000)
    y = (rng.uniform(0, 1, 20_000) < p).astype(int)
    assert calibration_error(y, p) < 0.02
    assert calibration_error(y, np.clip(p + 0.3, 0, 1)) > 0.15


def test_calibrated_probabilities_of_few_days_miss_by_chance_alone() -> None:
    p = rng.uniform(0.4, 0.6, 94)
    drawn = [(rng.uniform(size=94) < p).astype(int) for _ in range(200)]
    exceeding = np.mean([calibration_error(y, p) > error_when_calibrated(p, seed=0) for y in drawn])
    assert 0 < exceeding < 0.15
    assert np.mean([calibration_error(y, p) for y in drawn]) > 0.08


def test_intervals_widen_where_blocks_are_few_and_end_where_there_are_none() -> None:
    assert tail_share(5_000) == pytest.approx(0.025, abs=1e-4)
    assert tail_share(4.7) < tail_share(12.5) < 0.025
    short = judge(Y[:59], rng.uniform(size=59), draw_blocks(59, seed=0))
    assert short.estimates["accuracy"].value is not None
    assert (short.estimates["accuracy"].low, short.estimates["accuracy"].high) == (None, None)


def test_forecasts_without_skill_on_few_days_seldom_seem_better_than_chance() -> None:
    blocks = draw_blocks(94, seed=0)
    found = [judge(rng.integers(0, 2, 94), rng.uniform(size=94), blocks).estimates["roc_auc"] for _ in range(200)]
    assert np.mean([auc.excludes(0.5) == 1 for auc in found]) < 0.05  # with plain percentiles 0.08
