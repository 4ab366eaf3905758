from dataclasses import replace

import numpy as np
import pytest

from fleetcast.sequence.direction_scores import draw_blocks
from fleetcast.sequence.recommendations import ReturnVerdict
from fleetcast.sequence.return_judging import judge_returns
from fleetcast.sequence.return_scores import score_returns

N_DAYS, N_STOCKS = 200, 4
DAYS = np.tile(np.arange(N_DAYS), N_STOCKS)


def returns(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.001, 0.02, len(DAYS))


def test_values_are_those_of_the_plain_scores() -> None:
    true, said = returns(0), returns(0) * 0.3 + returns(1)
    judged = judge_returns(true, said, DAYS, draw_blocks(N_DAYS, seed=0))
    plain = score_returns(true, said)
    assert {name: pytest.approx(plain[name], abs=2e-6) for name in judged.estimates} == {
        name: estimate.value for name, estimate in judged.estimates.items()
    }


def test_a_draw_is_what_its_rows_would_score() -> None:
    true, said, blocks = returns(0), returns(0) * 0.3 + returns(1), draw_blocks(N_DAYS, seed=0)
    judged = judge_returns(true, said, DAYS, blocks)
    rows = np.repeat(np.arange(len(DAYS)), blocks.weights[DAYS, 7].astype(int))
    again = score_returns(true[rows], said[rows])
    for name, draws in judged.draws.items():
        assert draws[7] == pytest.approx(again[name], abs=1e-9)


def test_a_constant_is_correlated_with_nothing() -> None:
    judged = judge_returns(returns(0), np.full(len(DAYS), 0.0011), DAYS, draw_blocks(N_DAYS, seed=0))
    assert judged.estimates["pearson"].value == judged.estimates["spearman"].value == 0
    assert np.isfinite(judged.draws["pearson"]).all()


def test_only_what_beats_every_baseline_with_its_interval_is_good() -> None:
    blocks = draw_blocks(N_DAYS, seed=0)
    true = returns(0)
    good = judge_returns(true, true * 0.5, DAYS, blocks).estimates
    by_chance = judge_returns(true, returns(1), DAYS, blocks).estimates
    for found, is_good in ((good, True), (by_chance, False)):
        verdict = ReturnVerdict(
            pearson=found["pearson"],
            over_baselines={"no change": found["r2_over_zero"]},
            coverage=0.9,
            best_epoch=2,
            total_epochs=5,
            n_days=250,
        )
        assert verdict.is_good == is_good
        assert any(one.advice.startswith("Good") for one in verdict.recommendations()) == is_good
        added = set(replace(verdict, n_days=94).recommendations()) - set(verdict.recommendations())
        assert [one.advice.partition(":")[0] for one in added] == ["94 days tell little apart"]
