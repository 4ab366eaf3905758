"""Groups: the variants of one family and deviation, which differ in their labels alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from fleetcast.fleet.variants import Variant
from fleetcast.labels.families import FamilyLabels
from fleetcast.training.fitting import BinnedRows, bin_rows
from fleetcast.training.rows import GroupRows, group_rows
from fleetcast.training.run_data import RunData
from fleetcast.training.structure import bin_structure


@dataclass(frozen=True)
class Group:
    """Binned rows of the model and of its structure baseline, built once and shared by forked processes."""

    labels: FamilyLabels
    rows: GroupRows
    binned: BinnedRows
    structure_binned: BinnedRows


def build_group(data: RunData, labels: FamilyLabels, *, deviation: float) -> Group:
    """Gathers the group's rows and bins them."""
    rows = group_rows(labels, data.parts, deviation=deviation)
    X_fit, X_stop = data.matrix[labels.row[rows.fit]], data.matrix[labels.row[rows.stop]]
    return Group(
        labels=labels,
        rows=rows,
        binned=bin_rows(X_fit, X_stop, device=data.args.lightgbm_device),
        structure_binned=bin_structure(labels, rows),
    )


def variants_with_groups(data: RunData, variants: Sequence[Variant]) -> Iterator[tuple[Variant, Group]]:
    """Each variant with its group; a group is built when its first variant is asked for, and then let go."""
    for (family, deviation), members in groupby(variants, key=lambda v: (v.family, v.deviation)):
        group = build_group(data, data.family_labels(family.family_id), deviation=deviation)
        for variant in members:
            yield variant, group
