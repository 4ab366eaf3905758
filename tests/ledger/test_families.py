import numpy as np
import pytest

from fleetcast.ledger.evidence import Evidence
from fleetcast.ledger.families import Blocks, FamilyEvidence, gather_families
from fleetcast.ledger.trials import Trial

N_DRAWS = 4000
BLOCKS = Blocks(earlier=60, validation=30, holdout=15)


def made_up_evidence(t: list[float], *, seed: int = 0, same: bool = False) -> Evidence:
    """Both statistics alike; with ``same`` all trials have the same draws."""
    rng = np.random.default_rng(seed)
    values = np.repeat(np.array(t, dtype=np.float64)[:, None], 2, axis=1)
    draws = rng.standard_normal((1 if same else len(t), 1, N_DRAWS))
    t_star = np.broadcast_to(draws, (len(t), 2, N_DRAWS)).astype(np.float32)
    t_star[np.isnan(values)] = np.nan
    return Evidence(values, np.ones_like(values), t_star, np.zeros((len(t), 2, 1), np.float32))


def trials_of(*stages: int, family_id: str = "a") -> list[Trial]:
    return [Trial(f"{family_id}1", family_id, stage, number, "finished") for number, stage in enumerate(stages)]


def gather(
    t: list[float],
    finished: list[Trial],
    *,
    earlier: list[float] | None = None,
    holdout: float | None = None,
    same: bool = False,
) -> FamilyEvidence:
    return gather_families(
        ["a", "b"],
        finished,
        made_up_evidence(t, same=same),
        earlier={} if earlier is None else {"a": made_up_evidence(earlier, seed=1)},
        holdouts={} if holdout is None else {"a": made_up_evidence([holdout], seed=2)},
        blocks=BLOCKS,
    )


def test_trials_that_are_the_same_count_as_one() -> None:
    found = gather([2.0] * 5, trials_of(1, 1, 1, 1, 1), same=True)
    assert found.t[0] == pytest.approx([2.0, 2.0], rel=0.05)
    assert np.std(found.t_star[0], axis=1) == pytest.approx([1.0, 1.0], rel=1e-3)


def test_independent_trials_strengthen_each_other() -> None:
    assert gather([2.0] * 4, trials_of(1, 1, 1, 1)).t[0, 0] == pytest.approx(2.0 * np.sqrt(4), rel=0.05)


def test_luck_of_one_trial_among_many_is_little() -> None:
    assert gather([4.0] + [0.0] * 15, trials_of(*[1] * 16)).t[0, 0] == pytest.approx(4.0 / np.sqrt(16), rel=0.05)


def test_each_stretch_of_time_counts_once_however_much_was_tried_on_it() -> None:
    found = gather([0.0] * 9, trials_of(*[1] * 9), earlier=[3.0])
    assert found.t[0, 0] == pytest.approx(3.0 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("stage", [2, 3, 4])
def test_what_the_tested_rows_have_chosen_is_no_evidence(stage: int) -> None:
    alone = gather([1.0], trials_of(1))
    assert gather([1.0, 9.0], trials_of(1, stage)).t[0] == pytest.approx(alone.t[0])


def test_the_holdout_and_the_time_before_validation_are_stretches_of_their_own() -> None:
    found = gather([2.0], trials_of(1), earlier=[2.0], holdout=2.0)
    assert found.t[0, 0] == pytest.approx(2.0 * np.sqrt(3), rel=0.05)
    assert found.n_blocks[0, 0] == pytest.approx(3 / (1 / 30 + 1 / 60 + 1 / 15))
    assert gather([2.0], trials_of(1), earlier=[2.0], holdout=-4.0).t[0, 0] == pytest.approx(0.0, abs=0.05)


def test_a_familys_references_share_their_stretch() -> None:
    assert gather([0.0], trials_of(1), earlier=[2.0] * 4).t[0, 0] == pytest.approx(2 * np.sqrt(4 / 2), rel=0.05)


def test_a_trial_that_cannot_be_tested_changes_nothing() -> None:
    alone = gather([2.0], trials_of(1))
    with_gap = gather([2.0, np.nan], trials_of(1, 1))
    assert with_gap.t[0] == pytest.approx(alone.t[0])
    assert gather([np.nan], trials_of(1), holdout=np.nan).t[0] == pytest.approx([np.nan, np.nan], nan_ok=True)


def test_families_do_not_mix_and_one_without_trials_has_no_test() -> None:
    finished = [*trials_of(1), *trials_of(1, family_id="b")]
    found = gather([3.0, 0.0], finished)
    assert found.t[:, 0] == pytest.approx([3.0, 0.0], rel=0.05)
    assert np.all(np.isnan(gather([3.0], trials_of(1)).t[1]))
    assert np.all(np.isnan(gather([3.0], trials_of(1)).t_star[1]))


def test_a_draw_without_a_value_in_one_part_takes_the_others() -> None:
    evidence = made_up_evidence([1.0, 1.0])
    evidence.t_star[0, :, 0] = np.nan
    found = gather_families(["a"], trials_of(1, 1), evidence, earlier={}, holdouts={}, blocks=BLOCKS)
    assert np.all(np.isfinite(found.t_star))
