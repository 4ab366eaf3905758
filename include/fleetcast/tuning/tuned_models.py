"""The judged siblings of the models to come: fitted with tuned parameters before the holdout, and judged there once."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from fleetcast.errors import DataError
from fleetcast.fleet.results import FamilyBest
from fleetcast.fleet.variants import Variant
from fleetcast.splits.folds import holdout_fold
from fleetcast.training.family_bests import HoldoutLook, look_at_holdout
from fleetcast.training.fitting import FittedModel
from fleetcast.training.run_data import RunData
from fleetcast.training.variant_folds import VariantFolds
from fleetcast.tuning.space import Params

PATIENCE = 50  # rounds of early stopping


class TunedChoice(BaseModel):
    """What of stage 4's choice for a family decides its model; the rest of it is for people."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    variant_id: str
    parameters: Params


@dataclass(frozen=True)
class JudgedSibling:
    """A tuned model, its one look at the holdout, and what the manifest says of its fit."""

    model: FittedModel
    look: HoldoutLook
    n_holdout: int
    fit: dict[str, int | float]


def judge_tuned(data: RunData, variant: Variant, parameters: Params) -> JudgedSibling:
    """Fits on the window before the holdout, as the folds before were fitted on theirs, and judges on the holdout.

    Args:
        data: the run's inputs.
        variant: that was tuned.
        parameters: the point that was chosen for it.

    Raises:
        LookAheadError: a row or its label reaches into a later part.
        DataError: the variant has too few rows in the window or in the holdout.
    """
    folds = VariantFolds(data, variant, [holdout_fold(data.parts.n_rows)])
    fitted = folds.fit(0, parameters, patience=PATIENCE)
    rows = fitted.rows
    return JudgedSibling(
        model=fitted.model,
        look=look_at_holdout(
            data,
            rows.scored,
            probabilities=fitted.probabilities,
            structure_probabilities=fitted.structure_probabilities,
        ),
        n_holdout=len(rows.scored.y),
        fit={
            "n_fit": len(rows.fit.y),
            "n_stop": len(rows.stop.y),
            "best_round": fitted.model.best_round,
            "structure_best_round": fitted.structure.best_round,
            "patience": PATIENCE,
            "training_cpu_seconds": fitted.model.cpu_seconds,
            "structure_cpu_seconds": fitted.structure.cpu_seconds,
        },
    )


def tuned_variants(data: RunData, tuned: Mapping[str, TunedChoice]) -> dict[str, Variant]:
    """The variant that each family was tuned on.

    Raises:
        DataError: a variant is not in the fleet.
    """
    variants = {variant.variant_id: variant for variant in data.args.variants()}
    unknown = sorted(point.variant_id for point in tuned.values() if point.variant_id not in variants)
    if unknown:
        raise DataError(
            f"stage 4 has tuned {unknown[:3]} ({len(unknown)} in all), which are not in the fleet of run "
            f"{data.folder.run_key}. Trigger a new run."
        )
    return {family_id: variants[point.variant_id] for family_id, point in tuned.items()}


def with_holdout(best: FamilyBest, point: TunedChoice | None, sibling: JudgedSibling | None) -> FamilyBest:
    """The family's best of stage 1 with the tuned model's look, or without one and the reason."""
    if point is None or sibling is None:
        reason = best.reason or "no trial of its study has a score"
        return best.model_copy(update={"reason": reason, "n_holdout": 0})
    return best.model_copy(
        update={"variant_id": point.variant_id, "holdout": sibling.look.metrics, "n_holdout": sibling.n_holdout}
    )
