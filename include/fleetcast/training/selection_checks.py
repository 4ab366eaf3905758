"""The rows that chose a run's columns against its labels, and a selection model fitted anew on values from the bars."""

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fleetcast.audit.row_audit import digest_rows
from fleetcast.fleet.variants import Variant
from fleetcast.labels.outcomes import UNKNOWN
from fleetcast.selection.direction import blocks_of, direction_scores, grade_columns
from fleetcast.selection.gains import bin_columns, column_gains
from fleetcast.selection.ranking import N_TOP
from fleetcast.selection.sampling import MAX_ROWS, N_CLASSES, sample_variants
from fleetcast.splits.parts import fit_stop_boundary
from fleetcast.training.stored_inputs import StoredInputs

CLOSE = 1e-4  # of a gain or a score, since processors differ in last bits


@dataclass(frozen=True)
class SeenRows:
    """What selects columns for a variant may see: rows and classes to fit on and to stop by; of both for direction."""

    fit_row: npt.NDArray[np.int32]
    fit_y: npt.NDArray[np.int8]
    stop_row: npt.NDArray[np.int32]
    stop_y: npt.NDArray[np.int8]
    direction_y: npt.NDArray[np.int8]

    @property
    def row(self) -> npt.NDArray[np.int32]:
        """All of them, rising."""
        return np.concatenate([self.fit_row, self.stop_row])

    @property
    def suffice(self) -> bool:
        """Whether a model can be fitted."""
        return len(np.unique(self.fit_y)) == N_CLASSES and len(self.stop_y) > 0


def compare_selection(stored: StoredInputs) -> tuple[int, list[str]]:
    """How many selection models' rows were looked at, and a line for each difference."""
    variants = sample_variants(stored.args, stored.args.n_selection_models)
    rows = {variant.variant_id: rows_to_see(stored, variant) for variant in variants}
    rows = {name: one for name, one in rows.items() if one.suffice}
    expected = {name: digest_rows(one.fit_row, one.stop_row) for name, one in rows.items()}
    stated = stored.columns.require().facts.get("seen_rows", {})
    lines = [
        f"the selection model of {name} saw other rows than its labels give before row {stored.screen_end}: expected "
        f"digest {expected.get(name)}, got {stated.get(name)}"
        for name in sorted({*expected, *stated})
        if expected.get(name) != stated.get(name)
    ]
    return len(expected), lines or [*find_other_choice(stored, list(rows)), *probe_differences(stored, rows)]


def find_other_choice(stored: StoredInputs, variant_ids: list[str]) -> list[str]:
    """Whether the selected columns are those that the sampled variants' lists choose; ranks are added up here anew."""
    lists = json.loads(stored.columns.read("lists.json"))
    if list(lists) != variant_ids:
        return [f"lists of columns are of {list(lists)[:3]}: expected {variant_ids[:3]}, {len(variant_ids)} in all"]
    expected = _best([_best([one["gains"], one["direction"]], N_TOP) for one in lists.values()], stored.args.n_columns)
    got = [column["name"] for column in stored.selected]
    if got == expected:
        return []
    first = next(i for i, names in enumerate(itertools.zip_longest(expected, got)) if names[0] != names[1])
    return [
        f"column {first + 1} of {len(got)} that are selected is {(got[first:] or ['missing'])[0]}: expected "
        f"{(expected[first:] or ['none'])[0]} by the lists of {len(lists)} variants"
    ]


def _best(lists: Sequence[Iterable[str]], n_names: int) -> list[str]:
    """The names with the largest sum of 1 / (60 + rank) over the lists, ties by name."""
    scores: dict[str, float] = {}
    for one in lists:
        for rank, name in enumerate(one, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (60 + rank)
    return sorted(scores, key=lambda name: (-scores[name], name))[:n_names]


def rows_to_see(stored: StoredInputs, variant: Variant) -> SeenRows:
    """The variant's latest events whose labels end before the screen's end; early stopping watches the last 15 %."""
    labels, grid = stored.family_labels(variant.family.family_id), stored.args
    j, k = grid.thresholds.index(variant.threshold), grid.horizon_bars.index(variant.horizon_bars)
    y, end = labels.outcome[:, j, k], labels.end_row[:, k]
    own = np.flatnonzero((labels.deviation >= variant.deviation) & (y != UNKNOWN) & (end < stored.screen_end))
    own = own[-MAX_ROWS:]
    row = labels.row[own]
    boundary = fit_stop_boundary(int(row[0]) if len(row) else 0, stored.screen_end)
    fit, stop = own[end[own] < boundary], own[row >= boundary]
    return SeenRows(
        fit_row=labels.row[fit],
        fit_y=y[fit],
        stop_row=labels.row[stop],
        stop_y=y[stop],
        direction_y=labels.outcome[np.concatenate([fit, stop]), grid.thresholds.index(min(grid.thresholds)), k],
    )


def probe_differences(stored: StoredInputs, rows: dict[str, SeenRows]) -> list[str]:
    """Whether the selection's probe, made anew from the bars at the rows that it may see, says the same of its columns.

    All that selects columns reads values by the same steps; what reads other rows gives other gains and scores.
    """
    probe = json.loads(stored.columns.read("probe.json"))
    variants = {variant.variant_id: variant for variant in stored.args.variants()}
    if probe["variant_id"] not in rows:
        return [f"the selection's probe is of {probe['variant_id']}: expected one of {sorted(rows)[:3]}"]
    seen = rows[probe["variant_id"]]
    needed = np.unique(seen.row)
    X = np.ascontiguousarray(stored.recompute(probe["columns"])[needed])
    model = column_gains(
        bin_columns(X),
        fit=np.searchsorted(needed, seen.fit_row),
        fit_y=seen.fit_y,
        stop=np.searchsorted(needed, seen.stop_row),
        stop_y=seen.stop_y,
        seed=stored.args.seed,
    )
    direction = direction_scores(
        grade_columns(X),
        place=np.searchsorted(needed, seen.row),
        y=seen.direction_y,
        block=blocks_of(seen.row, horizon_bars=variants[probe["variant_id"]].horizon_bars),
    )
    found = {"gains": model.gains, "direction": direction}
    return [line for what, expected in found.items() if (line := _probe_difference(probe, what, expected))]


def _probe_difference(probe: dict[str, Any], what: str, expected: npt.NDArray[np.float64]) -> str | None:
    got = np.asarray(probe[what])
    differs = np.flatnonzero(~np.isclose(got, expected, rtol=CLOSE, atol=CLOSE * float(expected.max())))
    if not len(differs):
        return None
    first = differs[0]
    return (
        f"what selects columns for {probe['variant_id']} read other values than the bars give at its rows: {what} of "
        f"{probe['columns'][first]} expected {expected[first]:.6g}, got {got[first]:.6g}, {len(differs)} differ"
    )
