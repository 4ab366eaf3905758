"""The rows that a run uses are checked before a model is trained: none may reach into a later part of time."""

import logging
import time
from collections.abc import Iterator, Sequence

from fleetcast.audit.row_audit import UsedRows, check_inside
from fleetcast.fleet.variants import Family, Grid
from fleetcast.labels.families import FamilyLabels
from fleetcast.splits.parts import Parts, fit_stop_boundary
from fleetcast.training.rows import group_rows, holdout_labels, validation_labels
from fleetcast.training.run_data import RunData

logger = logging.getLogger(__name__)


def check_rows(data: RunData, families: Sequence[Family]) -> None:
    """Checks every row that these families' variants use.

    Raises:
        LookAheadError: a label reaches into a later part.
    """
    started = time.monotonic()
    n_rows = 0
    for family in families:
        n_rows += check_inside(used_rows(data.family_labels(family.family_id), family, data.args, parts=data.parts))
    logger.info(
        "%d uses of rows in %d families: none reaches a later part (%.1f s)",
        n_rows,
        len(families),
        time.monotonic() - started,
    )


def used_rows(labels: FamilyLabels, family: Family, grid: Grid, *, parts: Parts) -> Iterator[UsedRows]:
    """The rows that a family's variants are fitted on, stopped by and judged on, with all horizons' reach."""
    boundary, reach = fit_stop_boundary(0, parts.train_end), labels.end_row.max(axis=1)
    for deviation in grid.deviations:
        rows, name = group_rows(labels, parts, deviation=deviation), f"{family.family_id} beyond {deviation}"
        yield UsedRows(f"{name}, fit", labels.row[rows.fit], reach[rows.fit], 0, boundary)
        yield UsedRows(f"{name}, early stopping", labels.row[rows.stop], reach[rows.stop], boundary, parts.train_end)
    for variant in grid.variants_of(family):
        view = labels.variant_view(variant, grid)
        judged, looked_at = validation_labels(view, parts), holdout_labels(view, parts)
        name = variant.variant_id
        yield UsedRows(f"{name}, validation", judged.row, judged.end_row, parts.train_end, parts.validation_end)
        yield UsedRows(f"{name}, holdout", looked_at.row, looked_at.end_row, parts.validation_end, parts.n_rows)
