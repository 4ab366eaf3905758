"""The screen's table against the same rules, written anew, on the rows that the screen may see."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.selection.screen import ScreenRules
from fleetcast.training.stored_inputs import StoredInputs

Column = npt.NDArray[np.float32]
N_ALONE, N_CORRELATED = 16, 24  # columns to judge anew: dropped by a rule of their own, and for resembling another
TOLERANCE = 1e-5  # of values that are stored with six digits
RULES = ScreenRules()
LIMITS = {
    "missing": RULES.max_missing,
    "unknown_after_warm_up": RULES.max_unknown_after_warm_up,
    "one_value": RULES.max_one_value,
}


@dataclass(frozen=True)
class DroppedColumn:
    """A row of the screen's table."""

    name: str
    reason: str
    value: float | None
    kept_column: str


def read_dropped(stored: StoredInputs) -> list[DroppedColumn]:
    """The screen's table."""
    rows = csv.DictReader(io.StringIO(stored.columns.read("screen.csv").decode()))
    return [
        DroppedColumn(row["name"], row["reason"], float(row["value"]) if row["value"] else None, row["kept_column"])
        for row in rows
    ]


def sample_dropped(stored: StoredInputs) -> list[DroppedColumn]:
    """Some of those dropped by a rule of their own, and some that resemble a kept one."""
    rng, dropped = stored.sampler("screen"), read_dropped(stored)
    correlated = [drop for drop in dropped if drop.reason == "correlated"]
    alone = [drop for drop in dropped if drop.reason not in ("correlated", "target_related")]
    return [
        group[i]
        for group, n in ((alone, N_ALONE), (correlated, N_CORRELATED))
        for i in sorted(rng.choice(len(group), size=min(n, len(group)), replace=False))
    ]


def find_screen_differences(
    stored: StoredInputs, dropped: Sequence[DroppedColumn], kept: Sequence[str], column_of: Mapping[str, Column]
) -> list[str]:
    """A line for each column that the rules, on the rows before the screen's end, judge in another way.

    Args:
        stored: what the run holds.
        dropped: columns to judge, which the table names.
        kept: columns to judge, which must pass alone.
        column_of: their values, made anew from the bars, over all rows.
    """
    facts, table = stored.columns.require().facts, read_dropped(stored)
    n_columns = stored.features.require().facts["n_columns"]
    lines = []
    if facts["screen_end"] != stored.screen_end:
        lines.append(f"the screen saw rows before {facts['screen_end']}: expected {stored.screen_end}")
    if facts["n_kept"] + len(table) != n_columns:
        lines.append(f"the screen kept {facts['n_kept']} and dropped {len(table)} columns: expected {n_columns} in all")
    both = {drop.name for drop in table} & {column["name"] for column in stored.selected}
    lines += [f"{name} is selected: expected none that the screen dropped" for name in sorted(both)]
    seen = {name: column[: stored.screen_end] for name, column in column_of.items()}
    lines += [line for drop in dropped if (line := _differs(drop, seen, stored.screen_end))]
    for name in kept:
        reason, value = judge_alone(seen[name])
        if reason is not None:
            lines.append(f"{name} was kept: before row {stored.screen_end} it is dropped, {reason} {value:.6g}")
    return lines


def judge_alone(column: Column) -> tuple[str | None, float | None]:
    """Which rule drops a column by itself, with the value that it refuses; by the design's words, each counted plainly.

    Args:
        column: on the rows that the screen may see, NaN where unknown.
    """
    known = np.flatnonzero(~np.isnan(column))
    if len(known):
        unknown = 1 - len(known) / (len(column) - known[0])
        if unknown > LIMITS["unknown_after_warm_up"]:
            return "unknown_after_warm_up", unknown
    missing = 1 - len(known) / len(column)
    if missing > LIMITS["missing"]:
        return "missing", missing
    seen = column[known]
    most = float(np.unique(seen, return_counts=True)[1].max() / len(seen))
    if most > LIMITS["one_value"]:
        return "one_value", most
    variance = float(np.var(seen, dtype=np.float64))
    return ("low_variance", variance) if variance < RULES.min_variance else (None, None)


def correlation(one: Column, other: Column) -> float:
    """Of two columns on every k-th row, unknown values at the mean; its size."""
    step = -(-len(one) // RULES.max_sample_rows)
    wide = [column[::step].astype(np.float64) for column in (one, other)]
    centred = [np.where(np.isnan(column), 0.0, column - np.nanmean(column)) for column in wide]
    norms = [np.linalg.norm(column) for column in centred]
    return abs(float(centred[0] @ centred[1] / (norms[0] * norms[1]))) if all(norms) else 0.0


def _differs(drop: DroppedColumn, seen: Mapping[str, Column], screen_end: int) -> str | None:
    reason, value = judge_alone(seen[drop.name])
    if drop.reason == "correlated" and reason is None:
        reason, value = "correlated", correlation(seen[drop.name], seen[drop.kept_column])
    same = (
        drop.value is not None and value is not None and np.isclose(drop.value, value, rtol=TOLERANCE, atol=TOLERANCE)
    )
    if reason == drop.reason and same:
        return None
    return (
        f"{drop.name} was dropped, {drop.reason} {drop.value}: expected {reason} {value} on the rows before "
        f"{screen_end}"
    )
