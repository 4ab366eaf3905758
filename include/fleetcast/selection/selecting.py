"""The screen and the selection as one step over a run's columns: what it looks at ends at one row of the timeline."""

import io
import itertools
import json
import logging
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.errors import DataError
from fleetcast.features.blocks import read_block
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.labels.families import load_family_labels
from fleetcast.selection.direction import blocks_of, direction_scores, grade_columns
from fleetcast.selection.filling import fill_unknown
from fleetcast.selection.gains import ColumnGains, bin_columns, column_gains
from fleetcast.selection.ranking import SelectedColumn, aggregate, fused, top_columns
from fleetcast.selection.sampling import SelectionRows, describe_seen, sample_variants, selection_rows
from fleetcast.selection.screen import Drop, Screen, ScreenRules
from fleetcast.selection.stability import describe_stability, fold_rows, probed
from fleetcast.store.manifests import RunFolder, StageFolder

N_PROBE_COLUMNS = 64  # enough for a model, and soon made anew
log = logging.getLogger(__name__)
Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Fit:
    """A shallow model to fit: on which rows, and with which seed of the columns that each tree may use."""

    rows: SelectionRows
    seed: int


@dataclass(frozen=True)
class ColumnEvidence:
    """What a fit's rows say of each column: the model's gains, and how well it alone tells direction."""

    model: ColumnGains
    direction: npt.NDArray[np.float64]  # (n_columns,)

    def lists(self, names: Sequence[str]) -> dict[str, dict[str, float]]:
        """The best columns by each, best first, with their share of the whole."""
        return {"gains": top_columns(self.model.gains, names), "direction": top_columns(self.direction, names)}

    def top(self, names: Sequence[str]) -> dict[str, float]:
        """The best columns by both, best first, with their share of the model's gain."""
        lists = self.lists(names)
        return fused(lists["gains"], lists["direction"])


def commit_selection(
    run_folder: RunFolder, folder: StageFolder, *, args: FleetJobArgs, screen_end: int, n_threads: int
) -> None:
    """Writes the selected columns' matrix over all rows and both lists, then the manifest.

    Args:
        run_folder: of the run, whose features and labels are committed.
        folder: takes the result.
        args: of the run.
        screen_end: first timeline row that neither the screen nor the selection may see.
        n_threads: of the screen, and selection models side by side; it changes no result.

    Raises:
        DataError: no sampled variant has the rows that a selection model needs.
        StoreError: a stage is not done, or an object does not match its manifest.
    """
    started = time.monotonic()
    features, labels = run_folder.stage("features"), run_folder.stage("labels")
    screen = screen_columns(features, screen_end=screen_end, n_threads=n_threads)
    screened = time.monotonic()
    rows = sampled_rows(labels, args, screen_end=screen_end)
    fits = [Fit(one, args.seed) for one in rows]
    probes = [probe_fits(labels, args, one=rows[i], screen_end=screen_end) for i in probed(len(rows))]
    found = fit_models([*fits, *itertools.chain(*probes)], features, names=screen.kept, n_threads=n_threads)
    tops = [one.top(screen.kept) for one in found]
    selected = aggregate(tops[: len(rows)], n_columns=args.n_columns)
    write_result(folder, features, selected=selected, screen_end=screen_end)
    write_probe(folder, features, fit=fits[0], names=[column.name for column in selected[:N_PROBE_COLUMNS]])
    lists = {one.variant.variant_id: found[i].lists(screen.kept) for i, one in enumerate(rows)}
    folder.write("lists.json", json.dumps(lists).encode())
    folder.write("screen.csv", screen.table())
    folder.commit(
        inputs={"features": features.require().output_digest, "labels": labels.require().output_digest},
        facts={
            "n_columns": len(selected),
            "n_kept": len(screen.kept),
            "dropped": dict(Counter(drop.reason for drop in screen.dropped.values())),
            "stability": describe_stability(
                tops, [len(one) for one in probes], n_kept=len(screen.kept), n_columns=args.n_columns
            ),
            "sampled_variants": [one.variant.variant_id for one in rows],
            "sampled_rows": {one.variant.variant_id: len(one.fit_row) + len(one.stop_row) for one in rows},
            "best_rounds": {one.variant.variant_id: found[i].model.best_round for i, one in enumerate(rows)},
            "n_models": len(found),
            "model_cpu_seconds": round(sum(one.model.cpu_seconds for one in found) / len(found), 3),
            "screen_end": screen_end,
            "seen_rows": describe_seen(rows),
            "screen_seconds": round(screened - started, 3),
            "seconds": round(time.monotonic() - started, 3),
            "cpu_seconds": round(time.process_time(), 3),
        },
    )
    log.info("%d of %d screened columns selected by %d models", len(selected), len(screen.kept), len(rows))


def screen_columns(features: StageFolder, *, screen_end: int, n_threads: int) -> Screen:
    """Screens all blocks on the rows before the screen's end; target-related columns never compete."""
    screen = Screen(screen_end, ScreenRules())
    facts = features.require().facts
    barred = set(facts["target_related"])
    screen.dropped |= {name: Drop("target_related") for name in barred}

    def judge(block: str) -> None:
        names = [name for name in facts["blocks"][block] if name not in barred]
        screen.add_block(names, read_block(features, block, names=names, rows=slice(0, screen_end)))

    with ThreadPoolExecutor(max_workers=n_threads) as pool:
        list(pool.map(judge, facts["blocks"]))
    screen.finish(n_threads=n_threads)
    log.info("%d columns kept, %d dropped", len(screen.kept), len(screen.dropped))
    return screen


def sampled_rows(labels: StageFolder, args: FleetJobArgs, *, screen_end: int) -> list[SelectionRows]:
    """The rows of the sampled variants that a model can be fitted on.

    Raises:
        DataError: there is none.
    """
    usable, refused = [], []
    for variant in sample_variants(args, args.n_selection_models):
        family = load_family_labels(labels, variant.family.family_id)
        rows = selection_rows(family, variant, grid=args, screen_end=screen_end)
        if rows.unusable is None:
            usable.append(rows)
        else:
            refused.append(f"{variant.variant_id}: {rows.unusable}")
            log.warning("no selection model for %s", refused[-1])
    if not usable:
        raise DataError(
            f"cannot select columns before row {screen_end}: none of {len(refused)} sampled variants has the rows "
            f"({'; '.join(refused[:3])}). Load a longer history."
        )
    return usable


def probe_fits(labels: StageFolder, args: FleetJobArgs, *, one: SelectionRows, screen_end: int) -> list[Fit]:
    """The same variant under another seed, and on folds of the time before the screen's end; they select nothing."""
    family = load_family_labels(labels, one.variant.family.family_id)
    folds = fold_rows(family, one, grid=args, screen_end=screen_end)
    return [Fit(one, args.seed + 1), *(Fit(fold, args.seed) for fold in folds)]


def fit_models(
    fits: Sequence[Fit], features: StageFolder, *, names: Sequence[str], n_threads: int
) -> list[ColumnEvidence]:
    """The shallow models, side by side on threads; LightGBM computes outside Python's lock."""
    needed = np.unique(np.concatenate([fit.rows.row for fit in fits]))
    X = load_rows(features, names, rows=needed)
    grades, binned = grade_columns(X), bin_columns(X)
    del X

    def run_fit(fit: Fit) -> ColumnEvidence:
        one = fit.rows
        places = {"fit": np.searchsorted(needed, one.fit_row), "stop": np.searchsorted(needed, one.stop_row)}
        gains = column_gains(binned, **places, fit_y=one.fit_y, stop_y=one.stop_y, seed=fit.seed)
        log.info("%s: %d rows, best round %d", one.variant.variant_id, len(one.fit_row), gains.best_round)
        direction = direction_scores(
            grades,
            place=np.searchsorted(needed, one.row),
            y=one.direction_y,
            block=blocks_of(one.row, horizon_bars=one.variant.horizon_bars),
        )
        return ColumnEvidence(gains, direction)

    with ThreadPoolExecutor(max_workers=n_threads) as pool:
        return list(pool.map(run_fit, fits))


def load_rows(features: StageFolder, names: Sequence[str], *, rows: npt.NDArray[np.int32] | None = None) -> Matrix:
    """Columns by name, float32 ``(n_rows, n_names)`` in C order, at the given timeline rows or at all."""
    manifest = features.require()
    place = {name: i for i, name in enumerate(names)}
    n_rows = manifest.facts["n_rows"] if rows is None else len(rows)
    values = np.empty((n_rows, len(names)), dtype=np.float32)
    for block, stored in manifest.facts["blocks"].items():
        wanted = [name for name in stored if name in place]
        if wanted:
            read = read_block(features, block, names=wanted, rows=slice(None) if rows is None else rows)
            values[:, [place[name] for name in wanted]] = read
    return values


def write_result(
    folder: StageFolder, features: StageFolder, *, selected: Sequence[SelectedColumn], screen_end: int
) -> None:
    """Writes ``matrix.npy`` over all timeline rows, and ``selected.json`` with what stands there for unknown values."""
    matrix = load_rows(features, [column.name for column in selected])
    medians = fill_unknown(matrix, screen_end=screen_end)
    data = io.BytesIO()
    np.save(data, matrix, allow_pickle=False)
    folder.write("matrix.npy", data.getbuffer())
    columns = [one.model_dump() | {"unknown": float(median)} for one, median in zip(selected, medians, strict=True)]
    folder.write("selected.json", json.dumps(columns, indent=1).encode())


def write_probe(folder: StageFolder, features: StageFolder, *, fit: Fit, names: Sequence[str]) -> None:
    """Writes ``probe.json``: what one fit says of a few columns, so that it can be made anew in no time."""
    (found,) = fit_models([fit], features, names=names, n_threads=1)
    probe = {
        "variant_id": fit.rows.variant.variant_id,
        "columns": list(names),
        "gains": found.model.gains.tolist(),
        "direction": found.direction.tolist(),
    }
    folder.write("probe.json", json.dumps(probe, indent=1).encode())
