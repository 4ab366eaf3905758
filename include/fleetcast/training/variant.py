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
from fleetcast.labels.uniqueness import average_uniqueness
from fleetcast.training.fitting import FittedModel, fit_model, model_text, predict
from fleetcast.training.groups import Group
from fleetcast.training.parameters import stage_1_parameters
from fleetcast.training.rows import JudgedRows, judged_rows, known_row_of, outcome_of
from fleetcast.training.run_data import RunData

OUTPUTS = ("model.txt", "structure.txt", "predictions.npy")


@dataclass(frozen=True)
class _Problem:
    data: RunData
    group: Group
    variant: Variant
    y: npt.NDArray[np.int8]  # (n_events of the family,)
    judged: JudgedRows


def train_variant(data: RunData, group: Group, variant: Variant, folder: Path) -> None:
    """Trains and judges one variant and writes its outputs and ``result.json`` into the folder.

    Args:
        data: the run's inputs.
        group: the binned rows that the variant shares.
        variant: which.
        folder: an empty local folder of this attempt.
    """
    problem = _Problem(
        data=data,
        group=group,
        variant=variant,
        y=outcome_of(group.labels, variant=variant, grid=data.args),
        judged=judged_rows(group.labels, data.parts, variant=variant, grid=data.args),
    )
    rows = group.rows
    parameters = stage_1_parameters(len(rows.fit), seed=data.args.seed)
    y_fit, y_stop = problem.y[rows.fit], problem.y[rows.stop]
    model = fit_model(group.binned, y_fit, y_stop=y_stop, parameters=parameters)
    structure = fit_model(group.structure_binned, y_fit, y_stop=y_stop, parameters=parameters)
    result, probabilities = _judge(problem, model, structure)
    (folder / "model.txt").write_bytes(model_text(model))
    (folder / "structure.txt").write_bytes(model_text(structure))
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
    data, group, judged, y = problem.data, problem.group, problem.judged, problem.y
    validation = judged.validation
    probabilities = predict(model.booster, group.columns_at(data.matrix, validation))
    structure_probabilities = predict(structure.booster, group.labels.structure[validation])
    reason = reason_not_to_judge(y[validation], y[judged.holdout], holdout_uniqueness=_holdout_uniqueness(problem))
    metrics = {}
    if reason is None:
        weights = data.validation_draws[group.labels.row[validation] - data.parts.train_end]
        metrics = judge(probabilities, structure_probabilities, y=y[validation], weights=weights)
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
        n_validation=len(validation),
        n_holdout=len(judged.holdout),
        best_round=model.best_round,
        structure_best_round=structure.best_round,
        metrics=metrics,
        training_cpu_seconds=model.cpu_seconds,
        structure_cpu_seconds=structure.cpu_seconds,
    )
    return result, probabilities.astype(np.float32)


def _holdout_uniqueness(problem: _Problem) -> float:
    holdout = problem.judged.holdout
    known_row = known_row_of(problem.group.labels, variant=problem.variant, grid=problem.data.args)
    row = problem.group.labels.row
    return float(average_uniqueness(row[holdout], known_row[holdout], n_rows=problem.data.parts.n_rows).sum())


def _npy(array: npt.NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
