"""A study that is over, as Optuna's own: rebuilt in memory from what the service says, to be looked at."""

import warnings
from collections.abc import Sequence
from math import isfinite

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.importance import get_param_importances
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from fleetcast.tuning.database import quiet
from fleetcast.tuning.messages import StudyTrials, TrialRecord
from fleetcast.tuning.sampling import distributions_of
from fleetcast.tuning.space import Params

STATES = {state.name.lower(): state for state in TrialState} | {"failed": TrialState.FAIL}
MIN_FOR_IMPORTANCE = 3  # completed trials; of two, the better one alone would be the top


def rebuild_study(found: StudyTrials) -> Study:
    """The study with all of its trials, in a storage of its own."""
    quiet()
    study = optuna.create_study(study_name=found.spec.name, direction=found.spec.direction)
    distributions = distributions_of(found.spec.space)
    study.add_trials([_rebuild(trial, distributions) for trial in found.trials])
    return study


def completed(found: StudyTrials) -> list[TrialRecord]:
    """The trials that have a score, best first; of equal ones the earlier."""
    scored = [trial for trial in found.trials if trial.state == "complete" and trial.value is not None]
    sign = -1 if found.spec.direction == "maximize" else 1
    return sorted(scored, key=lambda trial: (sign * (trial.value or 0.0), trial.number))


def trial_at(trials: Sequence[TrialRecord], point: Params) -> TrialRecord | None:
    """The first of them at the point."""
    return next((trial for trial in trials if trial.params == point), None)


def importances_of(found: StudyTrials) -> dict[str, float]:
    """How much each parameter decides whether a trial is among the best tenth, in parts of one, largest first.

    Empty where that cannot be said: too few trials, one value each, or all equally good.

    Source: PED-ANOVA (Watanabe et al. 2023), Optuna's default.
    """
    free = [name for name, distribution in distributions_of(found.spec.space).items() if not distribution.single()]
    values = {trial.value for trial in completed(found)}
    if len(completed(found)) < MIN_FOR_IMPORTANCE or len(values) < 2 or not free:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        importances = get_param_importances(rebuild_study(found), params=free)
    return importances if all(isfinite(value) for value in importances.values()) else {}


def _rebuild(trial: TrialRecord, distributions: dict[str, BaseDistribution]) -> FrozenTrial:
    return FrozenTrial(
        number=trial.number,
        state=STATES[trial.state],
        value=trial.value,
        datetime_start=trial.started_at and trial.started_at.replace(tzinfo=None),  # Optuna's have no zone
        datetime_complete=trial.finished_at and trial.finished_at.replace(tzinfo=None),
        params=dict(trial.params),
        distributions=distributions,
        user_attrs={} if trial.reason is None else {"reason": trial.reason},
        system_attrs={},
        intermediate_values=dict(trial.reports),
        trial_id=trial.number,
    )
