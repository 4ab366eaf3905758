import pytest
from optuna.trial import TrialState

from fleetcast.tuning.finished_study import completed, importances_of, rebuild_study, trial_at
from fleetcast.tuning.space import load_space, make_space
from found_studies import BEGAN, find_study

BROAD = load_space("broad")


def test_a_rebuilt_study_is_the_one_that_was_found() -> None:
    found = find_study(BROAD, 6, score=lambda p: p["max_depth"], ends=["pruned", "failed"])
    study = rebuild_study(found)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 4 + [TrialState.PRUNED, TrialState.FAIL]
    assert [trial.params for trial in study.trials] == [trial.params for trial in found.trials]
    assert study.trials[4].intermediate_values == found.trials[4].reports
    assert study.trials[5].user_attrs == {"reason": "DataError: one class alone"}
    assert study.trials[0].datetime_start == BEGAN.replace(tzinfo=None)
    assert study.best_trial.number == completed(found)[0].number


@pytest.mark.parametrize(("direction", "numbers"), [("maximize", [1, 2, 0, 3]), ("minimize", [0, 3, 1, 2])])
def test_completed_trials_come_best_first_and_of_equals_the_earlier(direction: str, numbers: list[int]) -> None:
    found = find_study(BROAD, 5, score=lambda p: 0.0, ends=["pruned"])
    values = [1.0, 2.0, 2.0, 1.0, None]
    found = found.model_copy(
        update={
            "spec": found.spec.model_copy(update={"direction": direction}),
            "trials": tuple(
                trial.model_copy(update={"value": value}) for trial, value in zip(found.trials, values, strict=True)
            ),
        }
    )
    assert [trial.number for trial in completed(found)] == numbers


def test_a_trial_is_found_by_its_point() -> None:
    found = find_study(BROAD, 5, score=lambda p: 0.0)
    assert trial_at(found.trials, dict(found.trials[3].params)) == found.trials[3]
    assert trial_at(found.trials, {**found.trials[3].params, "max_depth": 2}) is None


def test_importances_are_the_same_twice() -> None:
    found = find_study(BROAD, 30, score=lambda p: p["learning_rate"])
    assert importances_of(found) == importances_of(found) != {}


@pytest.mark.parametrize("n_trials", [1, 2, 12])
def test_importances_of_what_cannot_tell_are_empty(n_trials: int) -> None:
    assert importances_of(find_study(BROAD, n_trials, score=lambda p: 1.0)) == {}


def test_a_parameter_with_one_value_has_no_importance() -> None:
    space = make_space({"feature_fraction": [0.7], "max_depth": {"low": 3, "high": 12}})
    assert set(importances_of(find_study(space, 12, score=lambda p: p["max_depth"]))) == {"max_depth"}
    alone = make_space({"feature_fraction": [0.7]})
    assert importances_of(find_study(alone, 3, score=lambda p: 1.0)) == {}
