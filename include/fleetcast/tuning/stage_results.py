"""What a stage of tuning took and found: the facts of its result's manifest, which later stages read."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from fleetcast.fleet.results import TrialResult
from fleetcast.store.manifests import RunFolder
from fleetcast.tuning.finished_study import completed, trial_at
from fleetcast.tuning.learnings import Learnings
from fleetcast.tuning.messages import StudyTrials, TrialRecord
from fleetcast.tuning.planned_study import PATIENCE, PlannedStudy, default_point
from fleetcast.tuning.space import Params


class Facts(BaseModel):
    """Frozen, and nothing but its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ScoredPoint(Facts):
    """A completed trial."""

    number: int
    value: float
    parameters: Params


class FamilyOutcome(Facts):
    """One family's study; ``cpu_seconds`` is what its trials took inside LightGBM, structure baselines included.

    ``default`` is None where no trial ran stage 1's parameters, as in stage 4; ``best`` where no trial was completed.
    """

    study: str
    variant_id: str
    default: ScoredPoint | None
    best: ScoredPoint | None
    n_complete: int
    n_pruned: int
    n_failed: int
    cpu_seconds: float

    @property
    def trial_seconds(self) -> float | None:
        """What a trial took on average; None where none came to an end that was paid for."""
        n_trials = self.n_complete + self.n_pruned
        return self.cpu_seconds / n_trials if n_trials else None


class TunedPoint(Facts):
    """What tuning chose for a family: the better of stage 3's best and stage 4's best.

    ``value`` and ``default_value`` are out-of-fold scores on the same rows; the default point is one of stage 3's
    trials, so nothing worse than it on these rows is ever chosen.
    """

    stage: int
    study: str
    number: int
    parameters: Params
    value: float
    default_value: float | None
    variant_id: str
    patience: int


class StageResult(Facts):
    """All of a stage. ``cost_over_expected`` is what its trials took against what the plan had expected of them."""

    stage: int
    planned_cpu_seconds: float
    spent_cpu_seconds: float
    left_cpu_seconds: float
    cost_over_expected: float | None
    families: dict[str, FamilyOutcome]
    learnings: Learnings = Learnings()
    tuned: dict[str, TunedPoint] | None = None  # stage 4's alone

    def facts(self) -> dict[str, Any]:
        """For a manifest."""
        return self.model_dump(mode="json", exclude=set() if self.tuned is not None else {"tuned"})


def describe_family(planned: PlannedStudy, found: StudyTrials, *, results: Sequence[TrialResult]) -> FamilyOutcome:
    """One family's study.

    Args:
        planned: what the stage's plan says of it.
        found: its trials, as the service has them.
        results: of those that came to an end, as the store has them.
    """
    scored = completed(found)
    states = [trial.state for trial in found.trials]
    return FamilyOutcome(
        study=planned.study,
        variant_id=planned.variant_id,
        default=_point(trial_at(scored, default_point(found.spec.space))),
        best=_point(scored[0] if scored else None),
        n_complete=len(scored),
        n_pruned=states.count("pruned"),
        n_failed=states.count("failed"),
        cpu_seconds=sum(result.fit_cpu_seconds for result in results),
    )


def cost_over_expected(planned: Sequence[PlannedStudy], outcomes: Mapping[str, FamilyOutcome]) -> float | None:
    """What trials took against what was expected of as many; None where none came to an end."""
    expected = spent = 0.0
    for study in planned:
        outcome = outcomes[study.family_id]
        expected += study.expected_trial_seconds * (outcome.n_complete + outcome.n_pruned)
        spent += outcome.cpu_seconds
    return spent / expected if expected else None


def choose_tuned(stage_3: StageResult, stage_4: Mapping[str, FamilyOutcome]) -> dict[str, TunedPoint]:
    """The better of both stages' best, by family; of equal ones the earlier. A family without any is left out."""
    chosen = {}
    for family_id, third in stage_3.families.items():
        if third.best is None:
            continue
        stage, outcome, best = 3, third, third.best
        fourth = stage_4.get(family_id)
        if fourth is not None and fourth.best is not None and fourth.best.value > best.value:
            stage, outcome, best = 4, fourth, fourth.best
        chosen[family_id] = TunedPoint(
            stage=stage,
            study=outcome.study,
            number=best.number,
            parameters=best.parameters,
            value=best.value,
            default_value=third.default.value if third.default else None,
            variant_id=outcome.variant_id,
            patience=PATIENCE[stage],
        )
    return chosen


def _point(trial: TrialRecord | None) -> ScoredPoint | None:
    if trial is None or trial.value is None:
        return None
    return ScoredPoint(number=trial.number, value=trial.value, parameters=trial.params)


def load_result(run: RunFolder, stage: int) -> StageResult:
    """What a stage took and found. Raises StoreError while it is not closed."""
    return StageResult.model_validate(run.tuning_result(stage).require().facts)
