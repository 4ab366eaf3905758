"""One variant from labels to judgement: what runs in a process of its own."""

import io
import json
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fleetcast.evaluation.judging import judge, reason_not_to_judge
from fleetcast.fleet.results import EARLIER, PREDICTIONS, STRUCTURE_PREDICTIONS, VariantResult
from fleetcast.fleet.variants import Variant
from fleetcast.labels.families import FamilyLabels, VariantLabels
from fleetcast.labels.outcomes import CLASS_NAMES
from fleetcast.labels.uniqueness import average_uniqueness
from fleetcast.training.earlier import fit_earlier, is_reference
from fleetcast.training.fitting import fit_model, model_text, predict
from fleetcast.training.groups import Group
from fleetcast.training.parameters import stage_1_parameters
from fleetcast.training.rows import holdout_labels, validation_labels
from fleetcast.training.run_data import RunData
from fleetcast.training.structure import fit_structure

OUTPUTS = (
    "model.txt",
    PREDICTIONS,
    STRUCTURE_PREDICTIONS,
    f"{EARLIER}{PREDICTIONS}",
    f"{EARLIER}{STRUCTURE_PREDICTIONS}",
)


@dataclass(frozen=True)
class JudgedRows:
    """The validation rows that a variant is judged on, and why it must not be judged, or None."""

    validation: VariantLabels
    n_holdout: int
    reason: str | None


def judged_rows(data: RunData, labels: FamilyLabels, variant: Variant) -> JudgedRows:
    """Of one variant; of the holdout it counts labels alone."""
    view = labels.variant_view(variant, data.args)
    validation, holdout = validation_labels(view, data.parts), holdout_labels(view, data.parts)
    uniqueness = float(average_uniqueness(holdout.row, holdout.known_row, data.parts.n_rows).sum())
    reason = reason_not_to_judge(validation.y, holdout.y, holdout_uniqueness=uniqueness)
    return JudgedRows(validation=validation, n_holdout=len(holdout.y), reason=reason)


def train_variant(data: RunData, group: Group, variant: Variant, folder: Path) -> None:
    """Trains and judges one variant and writes its outputs and ``result.json`` into the folder.

    Args:
        data: the run's inputs.
        group: the binned rows that the variant shares.
        variant: which.
        folder: an empty local folder of this attempt.
    """
    rows, y = group.rows, group.labels.outcome_of(variant, data.args)
    parameters = stage_1_parameters(len(rows.fit), seed=data.args.seed, device=data.args.lightgbm_device)
    model = fit_model(group.binned, y[rows.fit], y_stop=y[rows.stop], parameters=parameters)
    judged = judged_rows(data, group.labels, variant)
    probabilities = predict(model.booster, data.matrix[judged.validation.row])
    facts = _counts(data, group, variant, judged=judged)
    if judged.reason is None:
        # Of a variant that must not be judged, nothing is compared with its baseline, which is left out.
        facts |= _comparison(data, group, variant, judged=judged, probabilities=probabilities, folder=folder)
    (folder / "model.txt").write_bytes(model_text(model))
    (folder / PREDICTIONS).write_bytes(npy_bytes(probabilities.astype(np.float32)))
    if is_reference(variant, data.args):
        facts |= _evidence_before_validation(data, group.labels, variant, folder=folder)
    result = VariantResult(
        **facts,
        status="trained",
        judged=judged.reason is None,
        unjudged_reason=judged.reason,
        best_round=model.best_round,
        parameters=parameters,
        training_cpu_seconds=model.cpu_seconds,
        cpu_seconds=time.process_time(),
        peak_memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )
    (folder / "result.json").write_text(json.dumps(result.model_dump(mode="json")))


def _counts(data: RunData, group: Group, variant: Variant, *, judged: JudgedRows) -> dict[str, Any]:
    counts = data.counts[variant.variant_id]
    return {
        "variant_id": variant.variant_id,
        "family_id": variant.family.family_id,
        "n_events": counts["events"],
        "n_by_class": {name: counts[name] for name in CLASS_NAMES},
        "n_fit": len(group.rows.fit),
        "n_stop": len(group.rows.stop),
        "n_validation": len(judged.validation.y),
        "n_holdout": judged.n_holdout,
    }


def _comparison(
    data: RunData,
    group: Group,
    variant: Variant,
    *,
    judged: JudgedRows,
    probabilities: npt.NDArray[np.float64],
    folder: Path,
) -> dict[str, Any]:
    """The metrics, and what the structure baseline took; what it predicts goes into the folder."""
    structure = fit_structure(data, group.labels, variant, rows=group.rows, binned=group.structure_binned, tuned={})
    structure_probabilities = predict(structure.booster, group.labels.structure[judged.validation.events])
    (folder / STRUCTURE_PREDICTIONS).write_bytes(npy_bytes(structure_probabilities.astype(np.float32)))
    return {
        "metrics": judge(
            probabilities,
            structure_probabilities,
            y=judged.validation.y,
            weights=data.validation_draws[judged.validation.row - data.parts.train_end],
        ),
        "structure_best_round": structure.best_round,
        "structure_cpu_seconds": structure.cpu_seconds,
    }


def _evidence_before_validation(
    data: RunData, labels: FamilyLabels, variant: Variant, *, folder: Path
) -> dict[str, Any]:
    """Writes what a reference predicts there; returns what that took."""
    fitted = fit_earlier(data, labels, variant)
    if fitted is None:
        return {}
    for name, probabilities in (
        (PREDICTIONS, fitted.probabilities),
        (STRUCTURE_PREDICTIONS, fitted.structure_probabilities),
    ):
        (folder / f"{EARLIER}{name}").write_bytes(npy_bytes(probabilities.astype(np.float32)))
    return {"earlier_cpu_seconds": fitted.model.cpu_seconds + fitted.structure.cpu_seconds}


def npy_bytes(array: npt.NDArray[np.float32]) -> bytes:
    """The array as an npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
