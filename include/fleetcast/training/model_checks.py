"""Some of a run's models are fitted anew on rows told apart here: a stored model has seen these rows and no others."""

import io
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.errors import LookAheadError
from fleetcast.fleet.results import PREDICTIONS, STRUCTURE_PREDICTIONS, VariantResult
from fleetcast.fleet.variants import Grid, Variant
from fleetcast.labels.families import FamilyLabels
from fleetcast.labels.outcomes import UNKNOWN
from fleetcast.splits.parts import Parts, fit_stop_boundary
from fleetcast.training.fitting import FittedModel, Matrix, bin_rows, fit_model, load_model, model_text, predict
from fleetcast.training.parameters import stage_1_parameters
from fleetcast.training.run_data import RunData

N_MODELS = 3
CLOSE = 1e-5  # of a probability, which is stored as float32
Places = npt.NDArray[np.intp]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class VariantRows:
    """Places in a family's labels: what a variant is fitted on, stopped by and judged on."""

    fit: Places
    stop: Places
    judged: Places

    @classmethod
    def of(cls, labels: FamilyLabels, variant: Variant, *, grid: Grid, parts: Parts) -> "VariantRows":
        """Labels that end before the next part of time; those of all horizons where models are fitted."""
        own, reach = labels.deviation >= variant.deviation, labels.end_row.max(axis=1)
        end = labels.end_row[:, grid.horizon_bars.index(variant.horizon_bars)]
        exists = labels.outcome_of(variant, grid) != UNKNOWN
        boundary = fit_stop_boundary(0, parts.train_end)
        return cls(
            fit=np.flatnonzero(own & (reach < boundary)),
            stop=np.flatnonzero(own & (labels.row >= boundary) & (reach < parts.train_end)),
            judged=np.flatnonzero(own & exists & (labels.row >= parts.train_end) & (end < parts.validation_end)),
        )


def check_models(data: RunData, results: Sequence[VariantResult]) -> list[str]:
    """The variants whose models were made anew and came out as they are stored.

    A GPU adds up in another order, so that there only what a model predicts is compared.

    Raises:
        LookAheadError: a model has other trees than its rows give, or predicted other rows.
        StoreError: a model is not there.
    """
    started = time.monotonic()
    trained = {result.variant_id for result in results if result.status == "trained"}
    variants = [variant for variant in data.args.variants() if variant.variant_id in trained]
    rng = np.random.default_rng(list(data.folder.run_key.encode()))
    chosen = sorted(rng.choice(len(variants), size=min(N_MODELS, len(variants)), replace=False))
    for i in chosen:
        _check_model(data, variants[i])
    names = [variants[i].variant_id for i in chosen]
    logger.info("%s made anew: as stored (%.1f s)", ", ".join(names) or "no model", time.monotonic() - started)
    return names


def _check_model(data: RunData, variant: Variant) -> None:
    labels, folder = data.family_labels(variant.family.family_id), data.folder.variant(variant.variant_id)
    rows = VariantRows.of(labels, variant, grid=data.args, parts=data.parts)
    text = folder.read("model.txt")
    X = data.matrix[labels.row]
    if data.args.lightgbm_device == "cpu" and model_text(_fit_anew(data, labels, variant, rows=rows, X=X)) != text:
        raise LookAheadError(
            f"the model of {variant.variant_id} is not what its {len(rows.fit)} rows to fit on and {len(rows.stop)} to "
            f"stop by before row {data.parts.train_end} give: expected other trees. {_remedy(data)}"
        )
    predicted = {PREDICTIONS: predict(load_model(text), X[rows.judged])}
    if STRUCTURE_PREDICTIONS in folder.require().outputs:
        baseline = _fit_anew(data, labels, variant, rows=rows, X=labels.structure).booster
        predicted[STRUCTURE_PREDICTIONS] = predict(baseline, labels.structure[rows.judged])
    for name, expected in predicted.items():
        got = np.load(io.BytesIO(folder.read(name)), allow_pickle=False)
        if expected.shape != got.shape or not np.allclose(expected, got, rtol=0.0, atol=CLOSE):
            raise LookAheadError(
                f"{name} of {variant.variant_id} is not what its rows to fit on give for its {len(rows.judged)} rows "
                f"from {data.parts.train_end} to {data.parts.validation_end}: got {len(got)} rows with other values. "
                f"{_remedy(data)}"
            )


def _fit_anew(data: RunData, labels: FamilyLabels, variant: Variant, *, rows: VariantRows, X: Matrix) -> FittedModel:
    """On the CPU; ``X`` is ``(n_events, n_columns)``, a row an event of the family."""
    y = labels.outcome_of(variant, data.args)
    parameters = stage_1_parameters(len(rows.fit), seed=data.args.seed)
    return fit_model(bin_rows(X[rows.fit], X[rows.stop]), y[rows.fit], y_stop=y[rows.stop], parameters=parameters)


def _remedy(data: RunData) -> str:
    return (
        f"Mend the code that trains and trigger a new run; where another LightGBM or processor computes here, delete "
        f"{data.folder.path}/variants and run all jobs with one image."
    )
