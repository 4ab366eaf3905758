"""A run's stored features, labels and columns as an edit of the code that applies the certificate would leave them.

Each change is what one such edit stores, with manifests that fit: nobody's digests are broken.
"""

import io
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fleetcast.data.snapshot import load_snapshot
from fleetcast.features.blocks import block_file, block_to_bytes, read_block
from fleetcast.features.engine import compute_columns
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.labels.families import FamilyLabels, labels_file, load_family_labels
from fleetcast.labels.outcomes import UNKNOWN
from fleetcast.selection.filling import fill_unknown
from fleetcast.selection.sampling import describe_seen, sample_variants
from fleetcast.selection.selecting import Fit, fit_models, load_rows, sampled_rows, screen_columns
from fleetcast.store.manifests import RunFolder, StageFolder
from fleetcast.store.objects import Store, local_folder


@dataclass(frozen=True)
class ChangedInputs:
    """A copy of a run's store, whose objects and manifests may be changed; nothing in it was checked yet."""

    args: FleetJobArgs

    @classmethod
    def of(cls, args: FleetJobArgs, folder: Path) -> "ChangedInputs":
        """The copy shares files with the store until they are written anew."""
        source = local_folder(args.store)
        assert source is not None
        shutil.copytree(source, folder, copy_function=os.link)
        shutil.rmtree(folder / "runs" / args.run_key / "checks")
        return cls(args.model_copy(update={"store": folder.as_uri()}))

    @property
    def run(self) -> RunFolder:
        return RunFolder(Store(self.args.store), self.args.run_key)

    @property
    def features(self) -> StageFolder:
        return self.run.stage("features")

    @property
    def columns(self) -> StageFolder:
        return self.run.stage("columns")

    def commit(self, stage: str, written: dict[str, bytes | memoryview], **facts: Any) -> None:
        """Writes objects of a stage, and a manifest that says so."""
        folder, before = self.run.stage(stage), self.run.stage(stage).require()
        digests = {name: self.run.store.write(f"{folder.path}/{name}", data) for name, data in written.items()}
        kept = {name: value for name, value in {**before.facts, **facts}.items() if value is not None}
        after = before.model_copy(update={"outputs": before.outputs | digests, "facts": kept})
        self.run.store.write(f"{folder.path}/manifest.json", after.model_dump_json().encode())

    def change_blocks(self, change: Callable[[np.ndarray], np.ndarray]) -> None:
        """Of every block the values, ``(n_rows, n_columns)``."""
        written = {}
        for block, names in self.features.require().facts["blocks"].items():
            changed = np.asfortranarray(change(read_block(self.features, block)), dtype=np.float32)
            written[block_file(block)] = block_to_bytes(names, changed)
        self.commit("features", written)

    def change_matrix(self, change: Callable[[np.ndarray], np.ndarray], **facts: Any) -> None:
        """The matrix, ``(n_rows, n_columns)``."""
        buffer = io.BytesIO()
        np.save(buffer, change(np.load(io.BytesIO(self.columns.read("matrix.npy")))))
        self.commit("columns", {"matrix.npy": buffer.getvalue()}, **facts)

    def change_labels(self, change: Callable[[FamilyLabels], FamilyLabels]) -> None:
        """Of every family."""
        folder, written = self.run.stage("labels"), {}
        for family in self.args.families():
            changed = change(load_family_labels(folder, family.family_id))
            written[labels_file(family.family_id)] = changed.to_bytes()
        self.commit("labels", written)


Change = Callable[[ChangedInputs], None]


def without_masks(inputs: ChangedInputs) -> None:
    """compute-features without its call that makes rows within the warm-up unknown."""
    bars = load_snapshot(inputs.run.store, inputs.args.dataset_rev, until=inputs.args.cutoff)
    blocks = inputs.features.require().facts["blocks"]
    inputs.commit(
        "features", {block_file(block): block_to_bytes(n, compute_columns(bars, n)) for block, n in blocks.items()}
    )


def filled_from_later(inputs: ChangedInputs) -> None:
    """Unknown values of the matrix are those of the next row that knows one."""
    selected = json.loads(inputs.columns.read("selected.json"))
    values = load_rows(inputs.features, [column["name"] for column in selected])
    for column in values.T:
        known = np.flatnonzero(~np.isnan(column))
        column[:] = column[known[np.minimum(np.searchsorted(known, np.arange(len(column))), len(known) - 1)]]
    inputs.change_matrix(lambda _: values)


def medians_of_all_rows(inputs: ChangedInputs) -> None:
    """The matrix is filled as if the screen ended with the timeline."""
    selected = json.loads(inputs.columns.read("selected.json"))
    values = load_rows(inputs.features, [column["name"] for column in selected])
    medians = np.nanmedian(values, axis=0)
    columns = [column | {"unknown": float(median)} for column, median in zip(selected, medians, strict=True)]
    inputs.commit("columns", {"selected.json": json.dumps(columns).encode()})
    inputs.change_matrix(lambda _: np.where(np.isnan(values), medians, values).astype(np.float32))


def target_related_column(inputs: ChangedInputs) -> None:
    """A column that restates a term of the label is selected in the place of the first one."""
    barred = inputs.features.require().facts["target_related"][0]
    selected = json.loads(inputs.columns.read("selected.json"))
    selected[0]["name"] = barred
    values = load_rows(inputs.features, [barred])[:, 0]
    inputs.commit("columns", {"selected.json": json.dumps(selected).encode()})
    inputs.change_matrix(lambda matrix: np.column_stack([np.nan_to_num(values), matrix[:, 1:]]))


def screen_over_all_rows(inputs: ChangedInputs) -> None:
    """The screen reads blocks whole; all else is as it was."""
    screen = screen_columns(inputs.features, screen_end=inputs.features.require().facts["n_rows"], n_threads=2)
    inputs.commit("columns", {"screen.csv": screen.table()}, n_kept=len(screen.kept))


def stated_rows(screen_end: int) -> Change:
    """Selection models saw the rows before another screen's end, and the stage says which."""

    def change(inputs: ChangedInputs) -> None:
        rows = sampled_rows(inputs.run.stage("labels"), inputs.args, screen_end=screen_end)
        inputs.commit("columns", {}, seen_rows=describe_seen(rows))

    return change


def unpurged_rows(inputs: ChangedInputs) -> None:
    """Selection models saw rows whose labels reach beyond the screen's end."""
    rows = []
    for one in sampled_rows(inputs.run.stage("labels"), inputs.args, screen_end=3000):
        labels = load_family_labels(inputs.run.stage("labels"), one.variant.family.family_id)
        late = labels.row[(labels.row < 3000) & (labels.row > one.stop_row.max())]
        rows.append(replace(one, stop_row=np.concatenate([one.stop_row, late])))
    inputs.commit("columns", {}, seen_rows=describe_seen(rows))


def models_read(*, shift: int = 0, with_stop: bool = False) -> Change:
    """Selection models read other rows than they say: each a bar later, or those to stop by among those to fit on."""

    def change(inputs: ChangedInputs) -> None:
        probe = json.loads(inputs.columns.read("probe.json"))
        one = sampled_rows(inputs.run.stage("labels"), inputs.args, screen_end=3000)[0]
        if with_stop:
            both = {"fit_row": np.concatenate([one.fit_row, one.stop_row]), "fit_y": np.append(one.fit_y, one.stop_y)}
            one = replace(one, **both, direction_y=np.append(one.direction_y, one.direction_y[-len(one.stop_y) :]))
        one = replace(one, fit_row=one.fit_row + shift, stop_row=one.stop_row + shift)
        (found,) = fit_models([Fit(one, inputs.args.seed)], inputs.features, names=probe["columns"], n_threads=1)
        probe |= {"gains": found.model.gains.tolist(), "direction": found.direction.tolist()}
        inputs.commit("columns", {"probe.json": json.dumps(probe).encode()})

    return change


def other_sampled_variant(inputs: ChangedInputs) -> None:
    """The stage says what a variant saw that is not sampled."""
    name = sample_variants(inputs.args, 1)[0].variant_id.replace("-t1.0", "-t0.5")
    inputs.commit("columns", {}, seen_rows={name: "0123456789abcdef"})


def another_choice(inputs: ChangedInputs) -> None:
    """The last column in rank gives its place to one that the lists name and do not choose."""
    selected = json.loads(inputs.columns.read("selected.json"))
    chosen = {column["name"] for column in selected}
    lists = json.loads(inputs.columns.read("lists.json"))
    other = next(name for one in lists.values() for name in one["gains"] if name not in chosen)
    values = load_rows(inputs.features, [other])
    (median,) = fill_unknown(values, screen_end=3000)
    selected[-1] |= {"name": other, "unknown": float(median)}
    inputs.commit("columns", {"selected.json": json.dumps(selected).encode()})
    inputs.change_matrix(lambda matrix: np.column_stack([matrix[:, :-1], values[:, 0]]))


def without_a_list(inputs: ChangedInputs) -> None:
    """A sampled variant has no say."""
    lists = json.loads(inputs.columns.read("lists.json"))
    lists.pop(next(iter(lists)))
    inputs.commit("columns", {"lists.json": json.dumps(lists).encode()})


def counts_of_others(inputs: ChangedInputs) -> None:
    """A variant's counts are those of another one, so that the wrong ones are skipped."""
    counts = inputs.run.stage("labels").require().facts["counts"]
    first, *_, last = counts
    inputs.commit("labels", {}, counts={**counts, first: counts[last]})


def _labels(change: Callable[[FamilyLabels], dict[str, np.ndarray]]) -> Change:
    return lambda inputs: inputs.change_labels(lambda labels: replace(labels, **change(labels)))


def _blocks(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    return lambda inputs: inputs.change_blocks(change)


def _matrix(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    return lambda inputs: inputs.change_matrix(change)


def _facts(stage: str, **facts: Any) -> Change:
    return lambda inputs: inputs.commit(stage, {}, **facts)


def _scaled(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)


def _next_row(values: np.ndarray) -> np.ndarray:
    return np.roll(values, -1, axis=0)


# What an edit does, and what its refusal says.
CHANGES: dict[str, tuple[Change, str]] = {
    "rows within the warm-up are known": (without_masks, r"at row \d+: expected nan, got"),
    "features know the next bar": (_blocks(_next_row), r"of [a-z]+-\w+-\d\d at row"),
    "features are a bar late": (_blocks(lambda v: np.roll(v, 1, axis=0)), r"of [a-z]+-\w+-\d\d at row"),
    "features are scaled over all rows": (_blocks(_scaled), r"of [a-z]+-\w+-\d\d at row"),
    "features of a block have each other's names": (_blocks(lambda v: v[:, ::-1]), r"of [a-z]+-\w+-\d\d at row"),
    "features are of fewer rows": (_facts("features", n_rows=5000), "rows of the features: expected 6000, got 5000"),
    "target-related columns are not marked": (_facts("features", target_related=[]), "target-related columns"),
    "matrix knows the next bar": (_matrix(_next_row), "of the matrix at row"),
    "matrix is scaled over all rows": (_matrix(_scaled), "of the matrix at row"),
    "columns of the matrix are in another order": (_matrix(lambda m: m[:, ::-1]), "of the matrix at row"),
    "last rows of the matrix are missing": (_matrix(lambda m: m[:-1]), "shape of the matrix"),
    "matrix is filled from later rows": (filled_from_later, "of the matrix at row"),
    "matrix is filled with medians of all rows": (medians_of_all_rows, "its median before row 3000"),
    "a target-related column is selected": (target_related_column, "restate the label: expected"),
    "screen reads all rows": (screen_over_all_rows, "on the rows before 3000"),
    "screen says that it read other rows": (_facts("columns", screen_end=4200), "saw rows before 4200: expected 3000"),
    "screen forgets columns": (_facts("columns", n_kept=1000), "expected 4254 in all"),
    "selection saw rows to the end of training": (stated_rows(4200), "saw other rows than its labels give"),
    "selection saw labels that reach too far": (unpurged_rows, "saw other rows than its labels give"),
    "selection does not say what it saw": (_facts("columns", seen_rows=None), "got None"),
    "selection saw a variant that is not sampled": (
        other_sampled_variant,
        "expected digest None, got 0123456789abcdef",
    ),
    "selection models read the next bar": (models_read(shift=1), "read other values than the bars give"),
    "selection models are fitted on the rows to stop by": (models_read(with_stop=True), "read other values than"),
    "a column is selected by another rule": (another_choice, r"column 40 of 40 that are selected is .*: expected"),
    "a sampled variant has no say": (without_a_list, "lists of columns are of .* 3 in all"),
    "labels end a bar early": (_labels(lambda one: {"end_row": one.end_row - 1}), r"end_row of the event at row"),
    "labels end with their event": (
        _labels(lambda one: {"end_row": np.repeat(one.row[:, None], one.end_row.shape[1], axis=1)}),
        "end_row of the event at row",
    ),
    "events lie a bar late": (_labels(lambda one: {"row": one.row + 1}), "end_row of the event at row"),
    "outcomes are those of another horizon": (
        _labels(lambda one: {"outcome": np.where(one.outcome == UNKNOWN, UNKNOWN, one.outcome[:, :, ::-1])}),
        "expected a label wherever the bar",
    ),
    "outcomes are certain at their event": (
        _labels(lambda one: {"known_row": np.minimum(one.known_row, one.row[:, None, None])}),
        "labels are known before their event",
    ),
    "outcomes beyond the last bar are made up": (
        _labels(lambda one: {"outcome": np.abs(one.outcome)}),
        "expected a label wherever the bar",
    ),
    "breakouts are reversals": (
        _labels(lambda one: {"outcome": np.where(one.outcome == 0, 1, one.outcome).astype(np.int8)}),
        "outcome of the event at row",
    ),
    "structure columns know the next event": (
        _labels(lambda one: {"structure": _next_row(one.structure)}),
        "structure of the event at row",
    ),
    "deviations are those of the next event": (
        _labels(lambda one: {"deviation": _next_row(one.deviation)}),
        "deviation of the event at row",
    ),
    "labels are of a longer timeline": (_facts("labels", n_rows=6600), "rows of the labels: expected 6000, got 6600"),
    "counts are another variant's": (counts_of_others, "btc-w5-high-h5-d1.0-t0.5: expected"),
}
