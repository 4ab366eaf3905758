"""Stored labels against the bars: some families made anew, and of all how far their labels reach."""

from dataclasses import dataclass, fields

import numpy as np

from fleetcast.fleet.variants import Family
from fleetcast.labels.counts import count_variants
from fleetcast.labels.families import FamilyLabels, label_family
from fleetcast.labels.outcomes import UNKNOWN
from fleetcast.training.stored_inputs import StoredInputs

N_FAMILIES = 3
CLOSE = 1e-5  # of values that are no whole numbers; processors differ in last bits


@dataclass(frozen=True)
class LabelsLookedAt:
    """How many families were made anew, with how many labels, and of how many events the reach was counted."""

    n_families: int
    n_labels: int
    n_events: int


def compare_labels(stored: StoredInputs) -> tuple[LabelsLookedAt, list[str]]:
    """How many labels were looked at, and a line for each difference."""
    facts, families = stored.labels.require().facts, stored.args.families()
    chosen = stored.sampler("labels").choice(len(families), size=min(N_FAMILIES, len(families)), replace=False)
    lines, of_counts = find_other_facts(stored), []
    n_labels = n_events = 0
    for i, family in enumerate(families):
        labels = stored.family_labels(family.family_id)
        n_events += len(labels.row)
        lines += reach_differences(stored, family, labels)
        counts = count_variants(family, stored.args, deviation=labels.deviation, outcome=labels.outcome)
        of_counts += [
            f"{name}: expected {found.model_dump()}, got {facts['counts'].get(name)}"
            for name, found in counts.items()
            if facts["counts"].get(name) != found.model_dump()
        ]
        if i in chosen:
            n_labels += int((labels.outcome != UNKNOWN).sum())
            anew, _ = label_family(stored.bars, family, grid=stored.args)
            lines += label_differences(family.family_id, anew, labels)
    return LabelsLookedAt(len(chosen), n_labels, n_events), [*lines, *of_counts]


def find_other_facts(stored: StoredInputs) -> list[str]:
    """Whether the stage is of this timeline, by which time is cut, and of this fleet."""
    facts, timeline = stored.labels.require().facts, stored.bars.timeline
    pairs = {
        "rows of the labels": (len(timeline), facts["n_rows"]),
        "first bar of the labels": (int(timeline[0]), facts["timeline_first"]),
        "last bar of the labels": (int(timeline[-1]), facts["timeline_last"]),
        "variants of the labels": (len(stored.args.variants()), len(facts["counts"])),
    }
    return [f"{what}: expected {expected}, got {got}" for what, (expected, got) in pairs.items() if expected != got]


def reach_differences(stored: StoredInputs, family: Family, labels: FamilyLabels) -> list[str]:
    """Where a label's end is not its horizon after its event, counted in the symbol's own bars.

    Splits purge by that end: where it is too early, training rows reach into what is judged.
    """
    rows, n_rows = stored.bars.rows(family.symbol), len(stored.bars.timeline)
    t = np.searchsorted(rows, labels.row)
    if len(t) and (t.max() >= len(rows) or (rows[t] != labels.row).any()):
        return [f"{family.family_id}: events lie at rows without a bar of {family.symbol}"]
    ends = t[:, None] + np.asarray(stored.args.horizon_bars)
    expected = np.append(rows, n_rows)[np.minimum(ends, len(rows))]
    lines = _first_difference(f"{family.family_id}: end_row", labels.row, expected, labels.end_row)
    known, exists = labels.known_row, labels.outcome != UNKNOWN
    early = exists & ((known <= labels.row[:, None, None]) | (known > expected[:, None, :]))
    if early.any():
        lines.append(f"{family.family_id}: {int(early.sum())} labels are known before their event or after their end")
    if (exists != (ends < len(rows))[:, None, :]).any():
        lines.append(f"{family.family_id}: expected a label wherever the bar t + h exists and nowhere else")
    return lines


def label_differences(family_id: str, anew: FamilyLabels, got: FamilyLabels) -> list[str]:
    """Where stored labels are not those that the bars give: the first event of each of their arrays."""
    if len(anew.row) != len(got.row):
        return [f"{family_id}: {len(got.row)} events, expected {len(anew.row)}"]
    return [
        line
        for field in fields(FamilyLabels)
        for line in _first_difference(
            f"{family_id}: {field.name}", anew.row, getattr(anew, field.name), getattr(got, field.name)
        )
    ]


def _first_difference(what: str, row: np.ndarray, expected: np.ndarray, got: np.ndarray) -> list[str]:
    if expected.shape != got.shape:
        return [f"{what}: expected shape {expected.shape}, got {got.shape}"]
    if expected.dtype.kind == "f":
        differs = ~np.isclose(got, expected, rtol=CLOSE, atol=CLOSE, equal_nan=True)
    else:
        differs = got != expected
    if not differs.any():
        return []
    place = tuple(np.argwhere(differs)[0])
    return [
        f"{what} of the event at row {row[place[0]]}: expected {expected[place]}, got {got[place]}, "
        f"{int(differs.sum())} differ"
    ]
