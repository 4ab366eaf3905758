"""One production model: how many rounds its parameters are good for, then a last fit on all rows up to the cutoff."""

import json
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb

from fleetcast.audit.row_audit import UsedRows, check_inside
from fleetcast.errors import DataError
from fleetcast.fleet.results import ProductionResult
from fleetcast.labels.families import FamilyLabels, VariantLabels
from fleetcast.splits.parts import fit_stop_boundary, part_rows
from fleetcast.training.fitting import FittedModel, bin_rows, fit_model, model_text
from fleetcast.training.parameters import dataset_parameters, model_parameters
from fleetcast.training.production import Choice, ProductionData

# The source names 500 to 1000 rounds. They are read as the limit, and the upper end is taken: early stopping ends most
# models long before 500, and those that learn so slowly that their trials were cut off there may go on.
MAX_ROUNDS = 1000
PATIENCE = 50
MODEL_FILE = "model.txt"
RESULT_FILE = "result.json"


@dataclass(frozen=True)
class ProductionRows:
    """A variant's labels to fit on and to stop by while rounds are counted, and all of them."""

    fit: VariantLabels
    stop: VariantLabels
    all: VariantLabels


def split_rows(view: VariantLabels, *, n_rows: int, name: str) -> ProductionRows:
    """The labels that end before the cutoff; early stopping watches those of the last 15 % of the time.

    Args:
        view: the variant's labels.
        n_rows: of the timeline, whose end is the cutoff.
        name: of the variant, for messages.

    Raises:
        DataError: no label is left to fit on or to stop by.
        LookAheadError: a label reaches into the rows that early stopping watches, or beyond the cutoff.
    """
    boundary = fit_stop_boundary(0, n_rows)
    bounds = {"fit": (0, boundary), "stop": (boundary, n_rows), "all": (0, n_rows)}
    parts = {
        part: view.where(part_rows(view.row, view.end_row, start=start, stop=stop))
        for part, (start, stop) in bounds.items()
    }
    empty = [part for part, labels in parts.items() if not len(labels.y)]
    if empty:
        raise DataError(f"cannot train {name} for production: no row to {empty[0]} before {n_rows}. Load more bars.")
    check_inside(UsedRows(f"{name}, production {p}", parts[p].row, parts[p].end_row, *bounds[p]) for p in parts)
    return ProductionRows(**parts)


def rounds_for_all_rows(best_round: int, *, n_fit: int, n_rows: int) -> int:
    """The rounds of the last fit, which has nothing left to watch: the best round times the growth in rows.

    At most `MAX_ROUNDS`. The rows that were watched are about a sixth more, and a larger sample bears more steps before
    it is overfitted; the same number would stop short of it.

    Source: own choice, the usual rule for a refit after early stopping.
    """
    return min(MAX_ROUNDS, max(1, round(best_round * n_rows / n_fit)))


def train_production_model(data: ProductionData, choice: Choice, labels: FamilyLabels, folder: Path) -> None:
    """Fits one family's model, in a process of its own, and writes it and its result into the folder.

    Args:
        data: what the run's production models share.
        choice: of the family, with a variant.
        labels: of the family.
        folder: an empty local folder of this attempt.

    Raises:
        DataError: the family has no variant, or too few rows.
    """
    if choice.variant is None:
        raise DataError(f"cannot train {choice.family_id} for production: {choice.reason}")
    rows = split_rows(
        labels.variant_view(choice.variant, data.args), n_rows=len(data.matrix), name=choice.variant.variant_id
    )
    watched = _fit_watched(data, choice, rows)
    n_rounds = rounds_for_all_rows(watched.best_round, n_fit=len(rows.fit.y), n_rows=len(rows.all.y))
    parameters = _parameters(data, choice, n_fit=len(rows.all.y))
    model = _fit_all(data, rows.all, parameters=parameters, n_rounds=n_rounds)
    (folder / MODEL_FILE).write_bytes(model_text(model))
    result = ProductionResult(
        family_id=choice.family_id,
        status="trained",
        parents=choice.parents,
        n_fit=len(rows.fit.y),
        n_stop=len(rows.stop.y),
        n_rows=len(rows.all.y),
        best_round=watched.best_round,
        n_rounds=n_rounds,
        patience=PATIENCE,
        parameters=parameters,
        training_cpu_seconds=watched.cpu_seconds + model.cpu_seconds,
        cpu_seconds=time.process_time(),
        peak_memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )
    (folder / RESULT_FILE).write_text(json.dumps(result.model_dump(mode="json")))


def _fit_watched(data: ProductionData, choice: Choice, rows: ProductionRows) -> FittedModel:
    binned = bin_rows(data.matrix[rows.fit.row], data.matrix[rows.stop.row], device=data.args.lightgbm_device)
    parameters = _parameters(data, choice, n_fit=len(rows.fit.y))
    return fit_model(
        binned, rows.fit.y, y_stop=rows.stop.y, parameters=parameters, max_rounds=MAX_ROUNDS, patience=PATIENCE
    )


def _fit_all(data: ProductionData, rows: VariantLabels, *, parameters: dict[str, Any], n_rounds: int) -> FittedModel:
    binning = dataset_parameters(device=data.args.lightgbm_device)
    dataset = lgb.Dataset(data.matrix[rows.row], label=rows.y, params=binning).construct()
    started = time.process_time()
    booster = lgb.train(parameters, dataset, num_boost_round=n_rounds, keep_training_booster=True)
    return FittedModel(booster, n_rounds, time.process_time() - started)


def _parameters(data: ProductionData, choice: Choice, *, n_fit: int) -> dict[str, Any]:
    return model_parameters(n_fit, tuned=choice.point, seed=data.args.seed, device=data.args.lightgbm_device)
