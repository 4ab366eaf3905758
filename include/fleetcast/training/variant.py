"""One variant from labels to judgement: what runs in a process of its own."""

import io
import json
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fleetcast.evaluation.judging import judge, reason_not_to_judge
from fleetcast.fleet.results import VariantResult
from fleetcast.fleet.variants import Variant
from fleetcast.labels.families import VariantLabels
from fleetcast.labels.uniqueness import average_uniqueness
from fleetcast.training.fitting import FittedModel, fit_model, model_text, predict
from fleetcast.training.groups import Group
from fleetcast.training.parameters import stage_1_parameters
from fleetcast.training.rows import holdout_labels, validation_labels
from fleetcast.training.run_data import RunData
from fleetcast.training.structure import fit_structure

OUTPUTS = ("model.txt", "predictions.npy")


@dataclass(frozen=True)
class _Problem:
    data: RunData
    group: Group
    variant: Variant
    validation: VariantLabels
    holdout: VariantLabels


def train_variant(data: RunData, group: Group, variant: Variant, folder: Path) -> None:
    """Trains and judges one variant and writes its outputs and ``result.json`` into the folder.

    Args:
        data: the run's inputs.
        group: the binned rows that the variant shares.
        variant: which.
        folder: an empty local folder of this attempt.
    """
    view = group.labels.variant_view(variant, data.args)
    problem = _Problem(
        data=data,
        group=group,
        variant=variant,
        validation=validation_labels(view, data.parts),
        holdout=holdout_labels(view, data.parts),
    )
    rows, y = group.rows, group.labels.outcome_of(variant, data.args)
    parameters = stage_1_parameters(len(rows.fit), seed=data.args.seed, device=data.args.lightgbm_device)
    model = fit_model(group.binned, y[rows.fit], y_stop=y[rows.stop], parameters=parameters)
    structure = fit_structure(data, group.labels, variant, rows=rows, binned=group.structure_binned)
    result, probabilities = _judge(problem, model, structure)
    (folder / "model.txt").write_bytes(model_text(model))
    (folder / "predictions.npy").write_bytes(_npy(probabilities))
    result = result.model_copy(
        update={
            "parameters": parameters,
            "cpu_seconds": time.process_time(),
            "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
    (folder / "result.json").write_text(json.dumps(result.model_dump(mode="json")))


def _judge(
    problem: _Problem, model: FittedModel, structure: FittedModel
) -> tuple[VariantResult, npt.NDArray[np.float32]]:
    data, group, validation, holdout = problem.data, problem.group, problem.validation, problem.holdout
    probabilities = predict(model.booster, data.matrix[validation.row])
    uniqueness = average_uniqueness(holdout.row, holdout.known_row, data.parts.n_rows).sum()
    reason = reason_not_to_judge(validation.y, holdout.y, holdout_uniqueness=float(uniqueness))
    metrics = {}
    if reason is None:
        weights = data.validation_draws[validation.row - data.parts.train_end]
        structure_probabilities = predict(structure.booster, group.labels.structure[validation.events])
        metrics = judge(probabilities, structure_probabilities, y=validation.y, weights=weights)
    variant_id = problem.variant.variant_id
    counts = data.counts[variant_id]
    result = VariantResult(
        variant_id=variant_id,
        family_id=problem.variant.family.family_id,
        status="trained",
        judged=reason is None,
        unjudged_reason=reason,
        n_events=counts["events"],
        n_by_class={name: counts[name] for name in ("breakout", "reversal", "neither")},
        n_fit=len(group.rows.fit),
        n_stop=len(group.rows.stop),
        n_validation=len(validation.y),
        n_holdout=len(holdout.y),
        best_round=model.best_round,
        structure_best_round=structure.best_round,
        metrics=metrics,
        training_cpu_seconds=model.cpu_seconds,
        structure_cpu_seconds=structure.cpu_seconds,
    )
    return result, probabilities.astype(np.float32)


def _npy(array: npt.NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
