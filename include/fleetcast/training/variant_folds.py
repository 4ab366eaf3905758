"""A variant's folds, binned once for all points that are tried on them, and the pair of models that a point gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fleetcast.fleet.variants import Variant
from fleetcast.labels.families import FamilyLabels
from fleetcast.splits.folds import Fold
from fleetcast.training.fitting import BinnedRows, FittedModel, Matrix, bin_rows, fit_model, predict
from fleetcast.training.fold_rows import FoldRows, check_fold_rows, fold_rows
from fleetcast.training.parameters import model_parameters
from fleetcast.training.run_data import RunData
from fleetcast.training.structure import bin_structure, fit_structure


@dataclass(frozen=True)
class BinnedFold:
    """A fold's rows, binned for the model and for its structure baseline, and what both are scored on."""

    rows: FoldRows
    binned: BinnedRows
    structure_binned: BinnedRows
    X_scored: Matrix


@dataclass(frozen=True)
class FittedFold:
    """A model and its structure baseline; ``probabilities`` are (n_scored, 3), those of the fold's own rows."""

    rows: FoldRows
    model: FittedModel
    structure: FittedModel
    probabilities: npt.NDArray[np.float64]
    structure_probabilities: npt.NDArray[np.float64]


class VariantFolds:
    """Fits one variant on its folds.

    Args:
        data: the run's inputs.
        variant: which.
        folds: where time is cut, in order of time.
        labels: its family's; None reads them, which a forked process cannot: the store's threads stay with its parent.

    Raises:
        LookAheadError: a row or its label reaches into a later part.
        UnscorableError: the variant has too few rows in these folds.
    """

    def __init__(
        self, data: RunData, variant: Variant, folds: Sequence[Fold], *, labels: FamilyLabels | None = None
    ) -> None:
        self._data = data
        self._variant = variant
        self._labels = labels or data.family_labels(variant.family.family_id)
        view = self._labels.variant_view(variant, data.args)
        self.rows = [fold_rows(view, fold) for fold in folds]
        check_fold_rows(self.rows, variant.variant_id)

    def fit(self, place: int, tuned: Mapping[str, float | int], *, patience: int) -> FittedFold:
        """The fold's model and its structure baseline, both with the same tuned parameters and patience."""
        fold, data = self._binned[place], self._data
        fit, stop = fold.rows.fit, fold.rows.stop
        parameters = model_parameters(len(fit.y), seed=data.args.seed, device=data.args.lightgbm_device, tuned=tuned)
        model = fit_model(fold.binned, fit.y, y_stop=stop.y, parameters=parameters, patience=patience)
        structure = fit_structure(
            data,
            self._labels,
            self._variant,
            rows=fold.rows.fitted,
            binned=fold.structure_binned,
            tuned=tuned,
            patience=patience,
        )
        return FittedFold(
            rows=fold.rows,
            model=model,
            structure=structure,
            probabilities=predict(model.booster, fold.X_scored),
            structure_probabilities=predict(structure.booster, self._labels.structure[fold.rows.scored.events]),
        )

    @cached_property
    def _binned(self) -> list[BinnedFold]:
        matrix, device = self._data.matrix, self._data.args.lightgbm_device
        return [
            BinnedFold(
                rows=rows,
                binned=bin_rows(matrix[rows.fit.row], matrix[rows.stop.row], device=device),
                structure_binned=bin_structure(self._labels, rows.fitted),
                X_scored=matrix[rows.scored.row],
            )
            for rows in self.rows
        ]
