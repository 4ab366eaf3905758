"""Choosing each family's best variant by its studentised score, and its one look at the holdout."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.evaluation.judging import judge
from fleetcast.fleet.results import FamilyBest, VariantResult
from fleetcast.fleet.variants import Family, Variant
from fleetcast.labels.families import VariantLabels
from fleetcast.store.manifests import StageFolder
from fleetcast.training.fitting import load_model, predict
from fleetcast.training.rows import holdout_labels
from fleetcast.training.run_data import RunData
from fleetcast.training.structure import refit_structure
from fleetcast.training.variant import npy_bytes


def load_results(data: RunData) -> list[VariantResult]:
    """All variants' results, in the grid's order.

    Raises:
        StoreError: a variant has no manifest; the training is not done.
    """
    return [
        VariantResult.model_validate(data.folder.variant(variant.variant_id).require().facts)
        for variant in data.args.variants()
    ]


def choose_family_best(family: Family, results: Sequence[VariantResult]) -> FamilyBest:
    """The judged variant with the largest score; the first in the grid's order where scores are equal.

    The score is studentised because raw maxima pick the smallest samples; the raw best is named beside it.
    """
    judged = [r for r in results if r.judged]
    best = max(judged, key=lambda r: r.metrics["score"], default=None)
    raw_best = max(judged, key=lambda r: r.metrics["macro_average_precision"], default=None)
    return FamilyBest(
        family_id=family.family_id,
        variant_id=best.variant_id if best else None,
        raw_best_variant_id=raw_best.variant_id if raw_best else None,
        reason=None if best else _reason_for_none(results),
        n_trained=sum(r.status == "trained" for r in results),
        n_judged=len(judged),
        n_skipped=sum(r.status == "skipped" for r in results),
        n_events=best.n_events if best else 0,
        n_holdout=best.n_holdout if best else 0,
        validation=best.metrics if best else {},
    )


@dataclass(frozen=True)
class HoldoutLook:
    """What one model showed on the holdout.

    Attributes:
        metrics: all but the score, which is for choosing.
        probabilities: (n_holdout, 3) of the model.
        structure_probabilities: (n_holdout, 3) of its structure baseline.
    """

    metrics: dict[str, float]
    probabilities: npt.NDArray[np.float64]
    structure_probabilities: npt.NDArray[np.float64]

    def write(self, folder: StageFolder, family_id: str) -> None:
        """Writes what was predicted, for the ledger."""
        folder.write(f"{family_id}.predictions.npy", npy_bytes(self.probabilities.astype(np.float32)))
        folder.write(
            f"{family_id}.structure_predictions.npy", npy_bytes(self.structure_probabilities.astype(np.float32))
        )


def judge_on_holdout(data: RunData, variant: Variant, *, structure_best_round: int) -> HoldoutLook:
    """The variant on the last 10 % of time, which nothing before this has read for any choice.

    Raises:
        VariantError: its structure baseline does not come out as it was.
    """
    labels = data.family_labels(variant.family.family_id)
    holdout = holdout_labels(labels.variant_view(variant, data.args), data.parts)
    model = load_model(data.folder.variant(variant.variant_id).read("model.txt"))
    structure = refit_structure(data, labels, variant, best_round=structure_best_round)
    return look_at_holdout(
        data,
        holdout,
        probabilities=predict(model, data.matrix[holdout.row]),
        structure_probabilities=predict(structure.booster, labels.structure[holdout.events]),
    )


def look_at_holdout(
    data: RunData,
    holdout: VariantLabels,
    *,
    probabilities: npt.NDArray[np.float64],
    structure_probabilities: npt.NDArray[np.float64],
) -> HoldoutLook:
    """Judges what a model has predicted there.

    Args:
        data: the run's inputs.
        holdout: the variant's labels there.
        probabilities: (n_holdout, 3) of the model.
        structure_probabilities: (n_holdout, 3) of its structure baseline.
    """
    weights = data.holdout_draws[holdout.row - data.parts.validation_end]
    metrics = judge(probabilities, structure_probabilities, y=holdout.y, weights=weights)
    kept = {name: value for name, value in metrics.items() if name != "score"}
    return HoldoutLook(kept, probabilities, structure_probabilities)


def choose_all(
    data: RunData, results: Iterable[VariantResult], *, looks: bool
) -> list[tuple[FamilyBest, HoldoutLook | None]]:
    """Every family's best in the grid's order, each with its look at the holdout when it ``looks`` there."""
    by_family: dict[str, list[VariantResult]] = defaultdict(list)
    by_id = {result.variant_id: result for result in results}
    for result in by_id.values():
        by_family[result.family_id].append(result)
    variants = {variant.variant_id: variant for variant in data.args.variants()}
    bests: list[tuple[FamilyBest, HoldoutLook | None]] = []
    for family in data.args.families():
        best, look = choose_family_best(family, by_family[family.family_id]), None
        if looks and best.variant_id is not None:
            rounds = by_id[best.variant_id].structure_best_round
            look = judge_on_holdout(data, variants[best.variant_id], structure_best_round=rounds)
            best = best.model_copy(update={"holdout": look.metrics})
        bests.append((best, look))
    return bests


def _reason_for_none(results: Sequence[VariantResult]) -> str:
    reasons = [r.reason or r.unjudged_reason or "" for r in results]
    return f"no variant was judged; the first: {reasons[0]}" if reasons else "the family has no variant"
