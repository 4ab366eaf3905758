"""Stored columns against columns made anew from the bars: all that training reads, and a sample of the rest."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.audit.certificate import certified_name
from fleetcast.features.blocks import read_block
from fleetcast.features.catalogue import find_columns, list_blocks
from fleetcast.training.screen_checks import find_screen_differences, sample_dropped
from fleetcast.training.stored_inputs import StoredInputs

Column = npt.NDArray[np.float32]
MAX_CELLS = 20_000_000  # of the matrix, made anew: 600 columns of 32,000 rows, in 4 s
LEAST_COLUMNS = 40
N_BLOCKS, N_OF_BLOCK = 8, 4
QUARTER_HOUR_MS = 900_000  # shorter bars need more history
CLOSE = 1e-5  # of a column's standard deviation, as in its certificate; processors differ in last bits


@dataclass(frozen=True)
class ColumnsLookedAt:
    """How many columns were made anew: of the matrix, of all stored, and of those that the screen dropped."""

    n_matrix_columns: int
    n_stored_columns: int
    n_dropped_columns: int


def compare_columns(stored: StoredInputs) -> tuple[ColumnsLookedAt, list[str]]:
    """How many columns were looked at, and a line for each difference.

    The matrix is compared whole, or in as many columns as `MAX_CELLS` holds; unknown values are filled with medians of
    the rows before the screen's end. Of the blocks some are read, and of the screen's drops each is judged anew.
    """
    if differences := find_other_columns(stored):
        return ColumnsLookedAt(0, 0, 0), differences
    places, of_blocks, dropped = sample_matrix(stored), sample_blocks(stored), sample_dropped(stored)
    of_matrix = [stored.selected[i]["name"] for i in places]
    wanted = [name for names in of_blocks.values() for name in names]
    wanted += [name for drop in dropped for name in (drop.name, drop.kept_column) if name]
    names = list(dict.fromkeys([*of_matrix, *wanted]))
    values = stored.recompute(names)
    column_of = {name: values[:, i] for i, name in enumerate(names)}
    differences = [
        *find_known_too_soon(stored, column_of),
        *(line for i in places if (line := _matrix_difference(stored, i, column_of[stored.selected[i]["name"]]))),
        *_block_differences(stored, of_blocks, column_of),
        *find_screen_differences(stored, dropped, of_matrix, column_of),
    ]
    return ColumnsLookedAt(len(of_matrix), sum(map(len, of_blocks.values())), len(dropped)), differences


def find_other_columns(stored: StoredInputs) -> list[str]:
    """Whether the stages hold the columns that the certificate admits, over all rows of the bars."""
    facts, n_rows = stored.features.require().facts, len(stored.bars.timeline)
    blocks, refused = stored.admission.admitted_blocks(
        list_blocks(tuple(stored.bars.bars), width=stored.args.feature_width)
    )
    barred = {column.name for block in blocks for column in block.columns if column.target_related}
    names = {name for block in blocks for name in (column.name for column in block.columns)} - barred
    shape = (n_rows, len(stored.selected))
    selected = {column["name"] for column in stored.selected}
    pairs = {
        "rows of the features": (n_rows, facts["n_rows"]),
        "columns of the blocks": ({b.name: [c.name for c in b.columns] for b in blocks}, facts["blocks"]),
        "columns that are not admitted": (refused, facts["not_admitted"]),
        "target-related columns": (sorted(barred), sorted(facts["target_related"])),
        "shape of the matrix": (shape, stored.matrix.shape),
        "selected columns that are not admitted or restate the label": ([], sorted(selected - names)),
    }
    return [f"{what}: expected {_short(e)}, got {_short(g)}" for what, (e, g) in pairs.items() if e != g]


def find_known_too_soon(stored: StoredInputs, column_of: dict[str, Column]) -> list[str]:
    """Columns with a value before their symbol has the history that the certificate asks for.

    It reads the certificate and counts bars by itself: what was made anew is masked by the code that masked what is
    stored.
    """
    lines, certificate = [], stored.certificate
    asked = [certificate.warm_up_bars] + [certificate.fast_warm_up_bars] * (stored.bars.bar_ms < QUARTER_HOUR_MS)
    for column in find_columns(list(column_of), symbols=tuple(stored.bars.bars)):
        n_bars = max(bars.get(certified_name(column), 0) for bars in asked)
        own_rows = stored.bars.rows(column.symbol)
        first = int(own_rows[n_bars]) if n_bars < len(own_rows) else len(stored.bars.timeline)
        known = np.flatnonzero(~np.isnan(column_of[column.name][:first]))
        if len(known):
            lines.append(
                f"{column.name} at row {known[0]}: expected nothing known before row {first}, when {column.symbol} has "
                f"more than {n_bars} bars of history; got {column_of[column.name][known[0]]:.9g}"
            )
    return lines


def sample_matrix(stored: StoredInputs) -> list[int]:
    """Places of the matrix's columns to compare, in its order."""
    n_columns = len(stored.selected)
    n_sample = min(n_columns, max(LEAST_COLUMNS, MAX_CELLS // len(stored.bars.timeline)))
    return sorted(stored.sampler("matrix").choice(n_columns, size=n_sample, replace=False).tolist())


def sample_blocks(stored: StoredInputs) -> dict[str, list[str]]:
    """Some columns of some blocks, by block."""
    rng, blocks = stored.sampler("blocks"), stored.features.require().facts["blocks"]
    chosen = rng.choice(sorted(blocks), size=min(N_BLOCKS, len(blocks)), replace=False).tolist()
    return {
        block: rng.choice(blocks[block], size=min(N_OF_BLOCK, len(blocks[block])), replace=False).tolist()
        for block in chosen
    }


def _matrix_difference(stored: StoredInputs, place: int, anew: Column) -> str | None:
    entry, seen = stored.selected[place], anew[: stored.screen_end]
    expected = np.where(np.isnan(anew), np.float32(entry["unknown"]), anew)
    if line := describe_difference(f"{entry['name']} of the matrix", expected, stored.matrix[:, place]):
        return line
    median = np.float32(np.median(seen[~np.isnan(seen)])) if not np.isnan(seen).all() else np.float32(np.nan)
    if _is_close(entry["unknown"], median, scale=_spread(anew)):
        return None
    return (
        f"{entry['name']} stands in for unknown values with {entry['unknown']:.9g}: expected {median:.9g}, its median "
        f"before row {stored.screen_end}"
    )


def _block_differences(
    stored: StoredInputs, of_blocks: dict[str, list[str]], column_of: dict[str, Column]
) -> list[str]:
    lines = []
    for block, names in of_blocks.items():
        values = read_block(stored.features, block, names=names)
        found = (describe_difference(f"{n} of {block}", column_of[n], values[:, i]) for i, n in enumerate(names))
        lines += [line for line in found if line]
    return lines


def describe_difference(what: str, expected: Column, got: Column) -> str | None:
    """The first row at which a column is not what the bars give, or None.

    Args:
        what: the column.
        expected: made anew, ``(n_rows,)``, NaN where unknown.
        got: as stored.
    """
    if len(expected) != len(got):
        return f"{what} has {len(got)} rows: expected {len(expected)}"
    if np.array_equal(expected, got, equal_nan=True):
        return None
    differs = np.flatnonzero(~_is_close(got, expected, scale=_spread(expected)))
    if not len(differs):
        return None
    at = differs[0]
    return f"{what} at row {at}: expected {expected[at]:.9g}, got {got[at]:.9g}, {len(differs)} rows differ"


def _spread(column: Column) -> float:
    known = column[~np.isnan(column)]
    return float(np.std(known, dtype=np.float64)) if len(known) else 0.0


def _is_close(got: npt.ArrayLike, expected: npt.ArrayLike, *, scale: float) -> npt.NDArray[np.bool_]:
    return np.isclose(
        np.asarray(got, dtype=np.float64),
        np.asarray(expected, dtype=np.float64),
        rtol=0.0,
        atol=CLOSE * scale,
        equal_nan=True,
    )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:120]}..."
