import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.tuning.budget import SHARES, Budget, check_total, total_seconds


def test_the_shares_are_the_whole() -> None:
    assert sum(SHARES.values()) == pytest.approx(1)


def test_stage_1_sets_the_total_unless_it_is_given() -> None:
    assert total_seconds(None, 50.0) == 200.0
    assert total_seconds(120.0, 50.0) == 120.0


@pytest.mark.parametrize(
    ("stage", "spent", "planned"),
    [
        (2, {1: 50.0}, 30.0),
        (2, {1: 60.0}, 20.0),  # stage 1 took 10 too much
        (3, {1: 50.0, 2: 30.0}, 70.0),
        (3, {1: 50.0, 2: 12.0}, 88.0),  # stage 2 left 18
        (4, {1: 50.0, 2: 12.0, 3: 100.0}, 38.0),  # of which stage 3 took 12
        (4, {1: 50.0, 2: 30.0, 3: 130.0}, -10.0),
    ],
)
def test_what_a_stage_leaves_or_takes_too_much_flows_on(stage: int, spent: dict[int, float], planned: float) -> None:
    budget = Budget.of(stage, total=200.0, spent=spent)
    assert budget.planned_cpu_seconds == pytest.approx(planned)
    assert budget.spent_before == sum(spent.values())
    assert budget.facts() == {
        "total_cpu_seconds": 200.0,
        "share": SHARES[stage],
        "planned_cpu_seconds": pytest.approx(planned),
        "spent_before": budget.spent_before,
    }


def test_each_study_gets_the_same_number_of_trials_within_the_budget() -> None:
    budget = Budget.of(2, total=200.0, spent={1: 50.0})
    assert budget.n_trials([2.0, 4.0]) == 5
    assert budget.n_trials([2.0, 4.1]) == 4


def test_a_stage_whose_budget_was_used_up_before_runs_one_trial_a_study(caplog: pytest.LogCaptureFixture) -> None:
    budget = Budget.of(4, total=200.0, spent={1: 50.0, 2: 30.0, 3: 130.0})
    assert budget.n_trials([2.0, 4.0]) == 1
    assert "stage 4 has -10.0 CPU seconds left for trials that take 6.0" in caplog.text


def test_a_stage_without_studies_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert Budget.of(2, total=200.0, spent={1: 50.0}).n_trials([]) == 1
    assert not caplog.text


@pytest.mark.parametrize(
    ("each", "stage", "least"),
    [
        ({2: 10.0, 3: 20.0, 4: 20.0}, 2, 150),  # (50 + 10) / 0.40
        ({2: 2.0, 3: 80.0, 4: 20.0}, 3, 176),  # (50 + 2 + 80) / 0.75
        ({2: 2.0, 3: 20.0, 4: 90.0}, 4, 162),
    ],
)
def test_a_total_too_small_for_one_trial_a_study_is_refused_with_what_is_needed(
    each: dict[int, float], stage: int, least: int
) -> None:
    with pytest.raises(ConfigurationError, match=rf"of stage {stage} takes about {each[stage]:.1f} s. Give {least} or"):
        check_total(least - 1.0, stage_1=50.0, one_trial_each=each)
    check_total(float(least), stage_1=50.0, one_trial_each=each)
