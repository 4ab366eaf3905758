"""The rows of a fold: what a model is fitted on, stopped by and scored on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fleetcast.audit.row_audit import UsedRows, check_inside
from fleetcast.errors import UnscorableError
from fleetcast.labels.families import VariantLabels
from fleetcast.labels.outcomes import CLASS_NAMES
from fleetcast.splits.folds import Fold
from fleetcast.splits.parts import fit_stop_boundary, part_rows
from fleetcast.training.rows import GroupRows


@dataclass(frozen=True)
class FoldRows:
    """One variant's labels in a fold, each part purged by the variant's own horizon."""

    fold: Fold
    fit: VariantLabels
    stop: VariantLabels
    scored: VariantLabels

    @property
    def fitted(self) -> GroupRows:
        """The events to fit and stop by, as places in the family's labels."""
        return GroupRows(fit=self.fit.events, stop=self.stop.events)

    def used(self, name: str) -> Iterator[UsedRows]:
        """What each row is used for, and the part of time that it must not leave."""
        fold, boundary = self.fold, fit_stop_boundary(self.fold.train_start, self.fold.train_end)
        yield UsedRows(f"{name}, fit", self.fit.row, self.fit.end_row, fold.train_start, boundary)
        yield UsedRows(f"{name}, early stopping", self.stop.row, self.stop.end_row, boundary, fold.train_end)
        yield UsedRows(f"{name}, scored", self.scored.row, self.scored.end_row, fold.train_end, fold.end)


def fold_rows(view: VariantLabels, fold: Fold) -> FoldRows:
    """The fold's rows of a variant.

    Args:
        view: all labels of the variant.
        fold: where time is cut.
    """
    boundary = fit_stop_boundary(fold.train_start, fold.train_end)
    return FoldRows(
        fold=fold,
        fit=view.where(part_rows(view.row, view.end_row, start=fold.train_start, stop=boundary)),
        stop=view.where(part_rows(view.row, view.end_row, start=boundary, stop=fold.train_end)),
        scored=view.where(part_rows(view.row, view.end_row, start=fold.train_end, stop=fold.end)),
    )


def check_fold_rows(folds: Sequence[FoldRows], variant_id: str) -> None:
    """Refuses folds that no model can be fitted on or scored by, before a trial is run.

    A fold may lack a class in what it scores, as long as another one has it: scores are of all folds' rows together.

    Raises:
        LookAheadError: a row or its label reaches into a later part.
        UnscorableError: a fold has no row to fit or to stop by, or a class is scored in none.
    """
    check_inside(used for k, rows in enumerate(folds) for used in rows.used(f"{variant_id}, fold {k}"))
    for k, rows in enumerate(folds):
        for purpose, labels in (("to fit", rows.fit), ("that early stopping watches", rows.stop)):
            if not len(labels.y):
                raise UnscorableError(
                    f"{variant_id}: fold {k} has no rows {purpose} in [{rows.fold.train_start}, "
                    f"{rows.fold.train_end}), expected at least one. Leave the variant out or load more bars."
                )
    scored = np.concatenate([rows.scored.y for rows in folds])
    if missing := [name for k, name in enumerate(CLASS_NAMES) if not np.any(scored == k)]:
        raise UnscorableError(
            f"{variant_id}: the {len(scored)} rows that its folds are scored on hold no {' and no '.join(missing)}; "
            "average precision needs a row of every class. Leave the variant out or load more bars."
        )
