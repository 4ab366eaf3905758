"""Labels on prefixes: what is known of an event at a bar must not depend on the bars after it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.audit.later_bars import change_after, cut_after
from fleetcast.audit.slices import Slice
from fleetcast.data.bars import BarSet
from fleetcast.data.findings import instant_text
from fleetcast.fleet.variants import Family
from fleetcast.labels.families import FamilyLabels
from fleetcast.labels.outcomes import UNKNOWN

LabelFamily = Callable[[BarSet, Family], FamilyLabels]
N_OWN_ROWS = 8  # of a family, on a slice, of each kind
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LabelAudit:
    """How many labels of one family were compared over how many prefixes, and a line for every leak."""

    family_id: str
    n_prefixes: int
    n_labels: int
    leaks: tuple[str, ...]


def audit_labels(family: Family, slices: Sequence[Slice], *, label: LabelFamily) -> LabelAudit:
    """Recomputes a family's labels on prefixes of the slices and with other bars after them.

    The prefixes end at rows of the slice, at events of the family, and at bars that decided some.
    Up to a prefix's last bar: the events, their deviations and their structure columns are the same; a label that
    exists there never changes, and one that appears later has its ``t + h`` beyond it; what was certain by then stays
    when later bars are others.

    Args:
        family: which.
        slices: real bars, and the rows after which they are cut.
        label: gives a family's labels on bars.
    """
    n_prefixes, n_labels, leaks = 0, 0, []
    for one in slices:
        whole = label(one.bars, family)
        for row in _prefixes(whole, one):
            cut, changed = cut_after(one.bars, row), change_after(one.bars, row)
            where = f"with bars up to {instant_text(int(one.bars.timeline[row]))} ({one.name})"
            found = compare(whole, label(cut, family), label(changed, family), row=row)
            leaks += [f"{family.family_id}: {leak} {where}" for leak in found]
            n_labels += int((whole.outcome[whole.row <= row] != UNKNOWN).sum())
            n_prefixes += 1
    return LabelAudit(family.family_id, n_prefixes, n_labels, tuple(leaks))


def _prefixes(whole: FamilyLabels, one: Slice) -> list[int]:
    """The slice's rows, and of those of the family some of events and some of bars that decided one."""
    if not one.prefixes:
        return []
    decided = np.unique(whole.known_row[whole.known_row != UNKNOWN])
    own = [rows[np.linspace(0, len(rows) - 1, N_OWN_ROWS).astype(int)] for rows in (whole.row, decided) if len(rows)]
    rows = np.unique(np.concatenate([one.prefixes, one.cuts, *own]))
    return [int(row) for row in rows if row < len(one.bars.timeline) - 1]


def compare(whole: FamilyLabels, cut: FamilyLabels, changed: FamilyLabels, *, row: int) -> list[str]:
    """What the labels knew of the bars after ``row``.

    Args:
        whole: over all bars.
        cut: over the bars up to the row.
        changed: with others after it; the same timeline, shorter.
        row: of the timeline.
    """
    n_events = int((whole.row <= row).sum())
    if not (_same_events(whole, cut, row) and _same_events(whole, changed, row)):
        return ["events, deviations or structure columns know later bars"]
    leaks = {
        "a label is certain before its event or after its horizon": _outside_horizon(whole),
        "a label that existed has changed": _has_changed(whole, cut, n_events, row=row),
        "a label was missing though its horizon had passed": _came_late(whole, cut, n_events, row=row),
        "a label changes with bars after it was certain": _depends_on_later(whole, changed, n_events, row=row),
    }
    return [f"{text}, {int(found.sum())} times" for text, found in leaks.items() if found.any()]


def _same_events(whole: FamilyLabels, other: FamilyLabels, row: int) -> bool:
    known, other_known = whole.row <= row, other.row <= row
    return all(
        np.array_equal(getattr(whole, name)[known], getattr(other, name)[other_known], equal_nan=True)
        for name in ("row", "deviation", "structure")
    )


def _outside_horizon(labels: FamilyLabels) -> Mask:
    exists = labels.outcome != UNKNOWN
    known = labels.known_row
    return np.asarray(exists & ((known <= labels.row[:, None, None]) | (known > labels.end_row[:, None, :])))


def _has_changed(whole: FamilyLabels, cut: FamilyLabels, n_events: int, *, row: int) -> Mask:
    """Those in the prefix that say another class or another bar later on, or that reach beyond its end."""
    exists = cut.outcome != UNKNOWN
    other = (cut.outcome != whole.outcome[:n_events]) | (cut.known_row != whole.known_row[:n_events])
    return np.asarray(exists & (other | (cut.end_row > row)[:, None, :]))


def _came_late(whole: FamilyLabels, cut: FamilyLabels, n_events: int, *, row: int) -> Mask:
    """Those that the prefix did not have although the whole says that they end in it."""
    came = (cut.outcome == UNKNOWN) & (whole.outcome[:n_events] != UNKNOWN)
    return np.asarray(came & (whole.end_row[:n_events] <= row)[:, None, :])


def _depends_on_later(whole: FamilyLabels, changed: FamilyLabels, n_events: int, *, row: int) -> Mask:
    """Those certain by the row that are others when the bars after it are."""
    certain = (whole.outcome[:n_events] != UNKNOWN) & (whole.known_row[:n_events] <= row)
    other = changed.outcome[:n_events] != whole.outcome[:n_events]
    return np.asarray(certain & (other | (changed.known_row[:n_events] != whole.known_row[:n_events])))
