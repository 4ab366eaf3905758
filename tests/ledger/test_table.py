from collections.abc import Sequence

import numpy as np
import pytest

from fleetcast.ledger.effects import STATISTICS
from fleetcast.ledger.evidence import Evidence
from fleetcast.ledger.multiplicity import expected_best
from fleetcast.ledger.overfitting import N_HALVINGS
from fleetcast.ledger.table import Chosen, Setting, Trials, make_ledger
from fleetcast.ledger.trials import Ledger, Trial, TrialState

N_DRAWS = 500
SETTING = Setting(
    run_key="0a1b",
    block_rows=40,
    n_rows={1: 1210, 3: 1210},
    earlier_rows=0,
    holdout_rows=390,
    holdout_looks=2,
    all_holdout_looks=9,
)
POSITIVE = {"delta": 0.01, "direction": 0.02}


def made_up_trial(name: str, state: TrialState = "finished", *, stage: int = 1, number: int = 0) -> Trial:
    return Trial(name, name[0], stage, number, state, None if state == "finished" else f"why {state}")


def made_up_evidence(t: Sequence[Sequence[float]], *, error: float = 0.02) -> Evidence:
    """Independent statistics with these T; NaN cannot be tested."""
    rng = np.random.default_rng(0)
    values = np.array(t, dtype=np.float64).reshape(-1, len(STATISTICS))
    t_star = rng.standard_normal((*values.shape, N_DRAWS)).astype(np.float32)
    t_star[np.isnan(values)] = np.nan
    half_scores = rng.standard_normal((*values.shape, N_HALVINGS)).astype(np.float32)
    errors = np.where(np.isnan(values), np.nan, error)
    return Evidence(values * error, errors, t_star, half_scores)


def made_up_ledger(t: Sequence[Sequence[float]], trials: Sequence[Trial], chosen: dict[str, Chosen | None]) -> Ledger:
    return make_ledger(Trials(trials, made_up_evidence(t)), chosen, setting=SETTING)


def ledger_of_one(t: tuple[float, float], holdout: dict[str, float]) -> Ledger:
    trial = made_up_trial("a1")
    return made_up_ledger([t], [trial], {"a": Chosen(trial, holdout)})


def test_a_statistic_that_passes_and_is_positive_on_the_holdout_promotes() -> None:
    ledger = ledger_of_one((0.1, 6.0), {"delta": -1.0, "direction": 0.02})
    assert [family.family_id for family in ledger.promotable] == ["a"]
    assert ledger.families[0].reason is None


@pytest.mark.parametrize(
    ("t", "holdout", "reason"),
    [
        ((0.0, 0.0), POSITIVE, r"delta's p 0\.\d+ is above 0.05; direction's p 0\.\d+ is above 0.05"),
        (
            (6.0, 0.0),
            {"delta": -0.003, "direction": 0.2},
            r"delta's p 0.002 would do, but -0.003 on the holdout is not",
        ),
        (
            (0.0, 6.0),
            {"delta": 0.1, "direction": -0.02},
            r"direction's p 0.002 would do, but 0.480 on the holdout is n",
        ),
        ((0.0, 6.0), {"delta": 0.1, "direction": 0.0}, "but 0.500 on the holdout is not above 0.5"),
        ((6.0, 0.0), {}, "delta's p 0.002 would do, but nobody has looked at the holdout"),
        ((np.nan, np.nan), POSITIVE, "delta cannot be tested: .*; direction cannot be tested"),
    ],
)
def test_the_reason_against_stands_in_words(t: tuple[float, float], holdout: dict[str, float], reason: str) -> None:
    ledger = ledger_of_one(t, holdout)
    assert ledger.promotable == []
    with pytest.raises(ValueError, match=reason):
        raise ValueError(ledger.families[0].reason)


def test_a_family_without_a_best_is_not_promotable() -> None:
    ledger = made_up_ledger([(6, 6)], [made_up_trial("a1")], {"a": None})
    assert ledger.families[0].reason == "no trial was chosen"


@pytest.mark.parametrize("state", ["unjudged", "failed", "pruned"])
def test_a_chosen_trial_that_is_not_finished_is_not_promotable(state: TrialState) -> None:
    trial = made_up_trial("a1", state)
    ledger = made_up_ledger([], [trial], {"a": Chosen(trial, POSITIVE)})
    assert ledger.families[0].reason == f"the chosen trial is {state}: why {state}"


def test_scores_are_deflated_by_the_expected_best_of_all_tests() -> None:
    trials = [made_up_trial(f"a{k}") for k in range(20)]
    t = np.linspace(-2, 2, 40).reshape(20, 2)
    ledger = made_up_ledger(t.tolist(), trials, {})
    best = expected_best(made_up_evidence(t.tolist()).t_star.reshape(40, N_DRAWS))
    assert ledger.expected_best == pytest.approx(best)
    assert 2 < best < 2.5
    last = ledger.trials[-1].statistics["direction"]
    assert last.deflated == pytest.approx(0.04 - 0.02 * best)


def test_more_trials_make_the_same_trial_worth_less() -> None:
    few, many = (
        made_up_ledger([(3.0, 0.0)] + [(0.0, 0.0)] * (n - 1), [made_up_trial(f"a{k}") for k in range(n)], {})
        for n in (2, 100)
    )
    few_tested, many_tested = (ledger.trials[0].statistics["delta"] for ledger in (few, many))
    assert few_tested.p < 0.05 < many_tested.p
    assert many_tested.deflated < few_tested.deflated


def test_all_stages_are_tested_together_and_every_end_is_counted() -> None:
    trials = [
        made_up_trial("a1"),
        made_up_trial("a1", "pruned", stage=3, number=1),
        made_up_trial("a1", stage=3, number=2),
        made_up_trial("b1", "failed"),
        made_up_trial("b2", "skipped"),
    ]
    ledger = made_up_ledger([(6, 0), (6, 0)], trials, {"a": Chosen(trials[2], POSITIVE), "b": None})
    assert ledger.n_by_state == {"finished": 2, "pruned": 1, "failed": 1, "skipped": 1}
    assert ledger.families[0].n_by_state == {"finished": 2, "pruned": 1}
    assert ledger.families[1].n_by_state == {"failed": 1, "skipped": 1}
    assert ledger.n_tests == 4
    assert ledger.families[0].best is ledger.trials[2]
    assert ledger.families[0].promotable
    assert (ledger.n_blocks, ledger.holdout_looks, ledger.all_holdout_looks) == (31 + 10, 2, 9)


def test_overfitting_is_measured_in_the_family_and_in_the_fleet() -> None:
    trials = [made_up_trial(name) for name in ("a1", "b1", "a2", "b2", "b3")]
    ledger = made_up_ledger([(0, 0)] * 5, trials, {"a": None, "b": None, "c": None})
    assert ledger.overfitting["delta"].n_trials == 5
    assert [family.overfitting["direction"].n_trials for family in ledger.families] == [2, 3, 0]
    assert ledger.families[2].overfitting["delta"].probability is None


def test_overfitting_compares_scores_in_standard_errors() -> None:
    trials = [made_up_trial("a1"), made_up_trial("a2")]
    evidence = made_up_evidence([(0, 0), (0, 0)])
    evidence.half_scores[0] = 0.10  # larger, and less for its error
    evidence.half_scores[1] = np.where(np.arange(N_HALVINGS) < N_HALVINGS // 2, 0.09, 0.03)
    evidence.standard_error[:] = [[0.02, 0.02], [0.01, 0.01]]
    ledger = make_ledger(Trials(trials, evidence), {}, setting=SETTING)
    assert ledger.overfitting["delta"].probability == 1  # by raw scores the first would win on both halves


def test_an_empty_ledger_has_no_numbers() -> None:
    ledger = made_up_ledger([], [], {"a": None})
    assert (ledger.n_tests, ledger.expected_best, ledger.effective_number) == (0, None, None)
    assert ledger.n_by_state == {}
