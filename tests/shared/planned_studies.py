"""Studies as a stage's plan names them."""

from fleetcast.fleet.variants import Variant
from fleetcast.training.parameters import STAGE_1
from fleetcast.tuning.messages import OpenStudy, StudySpec
from fleetcast.tuning.planned_study import PlannedStudy
from fleetcast.tuning.space import load_space


def study_of(variant: Variant, *, stage: int, data: str, n_trials: int = 4, pruner: str = "none") -> PlannedStudy:
    """One study of a variant, which begins at stage 1's point.

    Args:
        variant: that it tunes.
        stage: of tuning.
        data: tells it from other studies.
        n_trials: its budget.
        pruner: that judges between folds.
    """
    spec = StudySpec(stage=f"stage-{stage}", data=data[-200:], space=load_space("broad"), pruner=pruner, seed=7)
    return PlannedStudy(
        study=spec.name,
        family_id=variant.family.family_id,
        variant_id=variant.variant_id,
        n_trials=n_trials,
        expected_trial_seconds=1.0,
        spec=spec,
        starts=(dict(STAGE_1),),
    )


def opening(planned: PlannedStudy) -> OpenStudy:
    """What the plan's job asks of the service."""
    return OpenStudy(spec=planned.spec, n_trials=planned.n_trials, starts=planned.starts)
