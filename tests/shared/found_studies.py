"""Studies that are over, made up: the points are drawn at random, the score is a function of them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from fleetcast.fleet.results import FoldResult, TrialResult
from fleetcast.tuning.messages import StudySpec, StudyTrials, TrialRecord
from fleetcast.tuning.planned_study import PlannedStudy, default_point
from fleetcast.tuning.space import Params, Range, Space

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def draw_point(space: Space, rng: np.random.Generator) -> Params:
    """Uniform on each range's own scale."""
    point: Params = {}
    for name, allowed in space.parameters.items():
        if not isinstance(allowed, Range):
            point[name] = allowed[int(rng.integers(len(allowed)))]
            continue
        part = float(rng.random())
        value = allowed.low * (allowed.high / allowed.low) ** part if allowed.log else 0.0
        value = value or allowed.low + part * (allowed.high - allowed.low)
        point[name] = round(value) if allowed.is_whole else value
    return point


def find_study(
    space: Space, n_trials: int, *, score: Callable[[Params], float], ends: Sequence[str] = (), data: str = "made up"
) -> StudyTrials:
    """The default point first, then points at random; ``ends`` are the last trials' states where not complete."""
    rng = np.random.default_rng(3)
    states = ["complete"] * (n_trials - len(ends)) + list(ends)
    points = [default_point(space), *(draw_point(space, rng) for _ in range(n_trials - 1))]
    trials = [
        TrialRecord.model_validate(
            {
                "number": number,
                "state": state,
                "params": point,
                "value": score(point) if state == "complete" else None,
                "reports": {0: score(point)} if state != "failed" else {},
                "started_at": BEGAN + timedelta(seconds=10 * number),
                "finished_at": BEGAN + timedelta(seconds=10 * number + 5),
                "reason": "DataError: one class alone" if state == "failed" else None,
            }
        )
        for number, (point, state) in enumerate(zip(points, states, strict=True))
    ]
    spec = StudySpec(stage="stage-2", data=data, space=space)
    return StudyTrials(spec=spec, n_trials=n_trials, trials=tuple(trials))


def plan_of(found: StudyTrials, family_id: str = "btc-w5-high") -> PlannedStudy:
    """The plan's entry that it came from."""
    return PlannedStudy(
        study=found.spec.name,
        family_id=family_id,
        variant_id=f"{family_id}-h5-d1.0-t0.5",
        n_trials=found.n_trials,
        expected_trial_seconds=2.0,
        spec=found.spec,
        starts=(default_point(found.spec.space),),
    )


def result_of(planned: PlannedStudy, trial: TrialRecord, *, seconds: float, n_folds: int = 1) -> TrialResult:
    """What the store has of a trial that came to an end."""
    folds = tuple(
        FoldResult(
            fold=fold,
            n_fit=500,
            n_stop=90,
            n_validation=100,
            best_round=20,
            structure_best_round=10,
            value=trial.reports.get(fold),
            training_cpu_seconds=0.8 * seconds / n_folds,
            structure_cpu_seconds=0.2 * seconds / n_folds,
        )
        for fold in range(n_folds)
    )
    return TrialResult.model_validate(
        {
            "study": planned.study,
            "number": trial.number,
            "stage": 3 if planned.spec.stage == "by-hand" else int(planned.spec.stage[-1]),
            "family_id": planned.family_id,
            "variant_id": planned.variant_id,
            "parameters": trial.params,
            "state": trial.state,
            "value": trial.value,
            "folds": folds,
            "cpu_seconds": 2 * seconds,
        }
    )
