"""The rows that a run uses are checked before a model is trained: none may reach into a later part of time."""

import logging
import time
from collections.abc import Iterator, Sequence

import numpy as np

from fleetcast.audit.row_audit import UsedRows, check_inside, digest_rows
from fleetcast.errors import LookAheadError
from fleetcast.fleet.variants import Family, Grid
from fleetcast.labels.families import FamilyLabels
from fleetcast.selection.sampling import SelectionRows, sample_variants, selection_rows
from fleetcast.splits.parts import Parts, fit_stop_boundary
from fleetcast.training.rows import group_rows, holdout_labels, validation_labels
from fleetcast.training.run_data import RunData

logger = logging.getLogger(__name__)


def check_rows(data: RunData, families: Sequence[Family]) -> None:
    """Checks every row that these families' variants use, and those that chose the columns.

    Raises:
        LookAheadError: a label reaches into a later part, or the selection saw rows that it must not see.
    """
    started = time.monotonic()
    n_rows = check_inside(selected_on(data))
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


def selected_on(data: RunData) -> Iterator[UsedRows]:
    """The rows on which columns were screened and selected, by what that stage says it saw.

    Raises:
        LookAheadError: it screened beyond the screen's end, or saw other rows than these labels give.
    """
    facts, screen_end = data.folder.stage("columns").require().facts, data.parts.screen_end
    if facts.get("screen_end") != screen_end:
        raise LookAheadError(
            f"the columns of run {data.folder.run_key} were screened on rows before {facts.get('screen_end')}: "
            f"expected {screen_end}. Delete the stage's folder and run select-columns again."
        )
    stated = dict(facts.get("seen_rows", {}))
    for variant in sample_variants(data.args, data.args.n_selection_models):
        if variant.variant_id in stated:
            labels = data.family_labels(variant.family.family_id)
            rows = selection_rows(labels, variant, grid=data.args, screen_end=screen_end)
            yield from _selection_uses(rows, labels, data.args, digest=stated.pop(variant.variant_id), stop=screen_end)
    if stated or not facts.get("seen_rows"):
        raise LookAheadError(
            f"the columns of run {data.folder.run_key} were selected on rows that cannot be checked: expected rows of "
            f"sampled variants, got {sorted(stated)[:3]}. Delete the stage's folder and run select-columns again."
        )


def _selection_uses(
    rows: SelectionRows, labels: FamilyLabels, grid: Grid, *, digest: str, stop: int
) -> Iterator[UsedRows]:
    name = rows.variant.variant_id
    if digest_rows(rows.fit_row, rows.stop_row) != digest:
        raise LookAheadError(
            f"the selection model of {name} saw other rows than its labels give before row {stop}: expected digest "
            f"{digest_rows(rows.fit_row, rows.stop_row)}, got {digest}. Run select-columns again."
        )
    reach = labels.end_row[:, grid.horizon_bars.index(rows.variant.horizon_bars)]
    first_stop = int(rows.stop_row.min())
    for purpose, row, end in (("fit", rows.fit_row, first_stop), ("early stopping", rows.stop_row, stop)):
        places = np.searchsorted(labels.row, row)
        yield UsedRows(f"selection by {name}, {purpose}", row, reach[places], 0, end)
