"""select-columns on the micro preset."""

import csv
import io
import json

import numpy as np
import pytest

from fleetcast.errors import DataError, StoreError
from fleetcast.features.blocks import block_file, block_to_bytes, read_block
from fleetcast.job_args.fleet import LabelEvents, SelectColumns
from fleetcast.jobs import label_events, select_columns
from fleetcast.selection.selecting import Fit, commit_selection, fit_models, load_rows, sampled_rows, screen_columns
from fleetcast.splits.parts import Parts
from fleetcast.store.manifests import StageFolder


def outputs(folder: StageFolder) -> tuple[np.ndarray, list[dict], dict]:
    matrix = np.load(io.BytesIO(folder.read("matrix.npy")))
    dropped = csv.DictReader(io.StringIO(folder.read("screen.csv").decode()))
    return matrix, json.loads(folder.read("selected.json")), {row["name"]: row for row in dropped}


def test_matrix_holds_the_selected_columns_over_all_rows(columns_run):
    matrix, selected, _ = outputs(columns_run.folder.stage("columns"))
    assert matrix.shape == (6000, 40)
    assert matrix.dtype == np.float32
    assert matrix.flags["C_CONTIGUOUS"]
    features = columns_run.folder.stage("features")
    home = {name: block for block, names in features.require().facts["blocks"].items() for name in names}
    for place in (0, 17, 39):
        name = selected[place]["name"]
        values = read_block(features, home[name], names=[name])
        expected = np.where(np.isnan(values), np.float32(selected[place]["unknown"]), values)
        np.testing.assert_array_equal(matrix[:, [place]], expected)


def test_matrix_has_no_unknown_values(columns_run):
    matrix, selected, _ = outputs(columns_run.folder.stage("columns"))
    assert np.isfinite(matrix).all()
    values = load_rows(columns_run.folder.stage("features"), [column["name"] for column in selected])
    assert np.isnan(values).any()  # so that there was something to fill


def test_selected_columns_are_ordered_by_score(columns_run):
    _, selected, _ = outputs(columns_run.folder.stage("columns"))
    scores = [column["score"] for column in selected]
    assert scores == sorted(scores, reverse=True)
    assert {column["n_models"] for column in selected} <= {1, 2, 3}


def test_every_column_is_kept_or_dropped_with_a_reason(columns_run):
    facts = columns_run.folder.stage("columns").require().facts
    n_columns = columns_run.folder.stage("features").require().facts["n_columns"]
    _, selected, dropped = outputs(columns_run.folder.stage("columns"))
    assert facts["n_kept"] + len(dropped) == n_columns
    assert sum(facts["dropped"].values()) == len(dropped)
    assert facts["dropped"]["correlated"] > 500
    assert not {column["name"] for column in selected} & set(dropped)
    for drop in dropped.values():
        assert (drop["kept_column"] != "") == (drop["reason"] == "correlated")
        assert drop["kept_column"] not in dropped


def test_target_related_columns_are_dropped(columns_run):
    _, _, dropped = outputs(columns_run.folder.stage("columns"))
    assert dropped["btc.volatility.barrier.100"]["reason"] == "target_related"
    assert dropped["sol.market_structure.is_swing.high.5"]["reason"] == "target_related"


def test_manifest_says_what_was_sampled(columns_run):
    manifest = columns_run.folder.stage("columns").require()
    assert manifest.facts["sampled_variants"] == [f"{s}-w5-high-h10-d1.0-t1.0" for s in ("btc", "eth", "sol")]
    assert set(manifest.facts["sampled_rows"]) == set(manifest.facts["sampled_variants"])
    assert manifest.facts["n_models"] > 3
    assert manifest.facts["model_cpu_seconds"] > 0
    assert set(manifest.inputs) == {"features", "labels"}


def test_manifest_says_how_stable_the_selection_is(columns_run):
    stability = columns_run.folder.stage("columns").require().facts["stability"]
    assert {name: found["n_pairs"] for name, found in stability.items()} == {
        "variants": 3,
        "seeds": 2,
        "folds": 2,
        "halves": 1,
    }
    for found in stability.values():
        assert -0.1 < found["kuncheva"] <= found["jaccard"] + 0.5
        assert 0 <= found["jaccard"] <= 1
    assert stability["seeds"]["jaccard"] > stability["variants"]["jaccard"]


def test_same_arguments_select_the_same_columns_with_any_number_of_threads(columns_run):
    few, outputs_of = columns_run.under("few-columns"), {}
    copy_stage(columns_run.folder.stage("labels"), few.folder.stage("labels"))
    copy_stage(columns_run.folder.stage("features"), few.folder.stage("features"), n_blocks=6)
    for n_threads in (1, 3):
        folder = few.folder.stage(f"columns-by-{n_threads}")
        commit_selection(few.folder, folder, args=few.args, screen_end=3000, n_threads=n_threads)
        outputs_of[n_threads] = folder.require().outputs
    assert outputs_of[1] == outputs_of[3]


def copy_stage(source: StageFolder, target: StageFolder, *, n_blocks: int | None = None) -> None:
    facts = dict(source.require().facts)
    if n_blocks is not None:
        facts["blocks"] = dict(list(facts["blocks"].items())[:n_blocks])
        stored = {name for names in facts["blocks"].values() for name in names}
        facts["target_related"] = [name for name in facts["target_related"] if name in stored]
    wanted = source.require().outputs if n_blocks is None else map(block_file, facts["blocks"])
    for name in wanted:
        target.write(name, source.read(name))
    target.commit(inputs=source.require().inputs, facts=facts)


def test_committed_columns_are_not_selected_again(columns_run):
    stage = columns_run.folder.stage("columns")
    before = stage.require()
    select_columns.run(columns_run.args.for_job(SelectColumns))
    assert stage.require() == before


def test_number_of_threads_changes_no_gain(columns_run):
    rows = sampled_rows(columns_run.folder.stage("labels"), columns_run.args, screen_end=3000)
    features = columns_run.folder.stage("features")
    names = features.require().facts["blocks"]["btc-volatility-00"]
    fits = [Fit(one, 1) for one in rows]
    alone, together = (fit_models(fits, features, names=names, n_threads=n) for n in (1, 3))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.model.gains, other.model.gains)
        np.testing.assert_array_equal(one.direction, other.direction)


def test_rows_from_the_screens_end_on_change_nothing(columns_run):
    """The screen and the sampled rows see the first half alone, whatever the second holds."""
    features, labels = columns_run.folder.stage("features"), columns_run.folder.stage("labels")
    screen_end = Parts.of(features.require().facts["n_rows"]).screen_end
    blocks = {name: features.require().facts["blocks"][name] for name in ("btc-candlestick-01", "btc-volatility-00")}
    kept = []
    for run_key, later in (("as-it-was", None), ("altered", np.random.default_rng(0))):
        folder = StageFolder(columns_run.store, f"runs/{run_key}/features", key=run_key)
        for block, names in blocks.items():
            values = read_block(features, block)
            if later is not None:
                values[screen_end:] = later.normal(size=values[screen_end:].shape)
            folder.write(block_file(block), block_to_bytes(names, values))
        folder.commit(facts={"blocks": blocks, "target_related": []})
        kept.append(screen_columns(folder, screen_end=screen_end, n_threads=2).kept)
    assert kept[0] == kept[1]
    for rows in sampled_rows(labels, columns_run.args, screen_end=screen_end):
        assert max(rows.fit_row.max(), rows.stop_row.max()) + 10 < screen_end


def test_too_short_a_history_is_refused(columns_run):
    with pytest.raises(DataError, match="cannot select columns before row 210: none of 3 sampled variants"):
        sampled_rows(columns_run.folder.stage("labels"), columns_run.args, screen_end=210)


def test_missing_features_are_named(snapshot_run):
    empty = snapshot_run.under("empty")
    label_events.run(empty.args.for_job(LabelEvents))
    with pytest.raises(StoreError, match="stage 'features' has no manifest"):
        select_columns.run(empty.args.for_job(SelectColumns))


def test_loaded_columns_come_in_the_order_asked_for(columns_run):
    features = columns_run.folder.stage("features")
    blocks = features.require().facts["blocks"]
    names = [blocks["sol-cross-00"][3], blocks["btc-technical-01"][5], blocks["sol-cross-00"][1]]
    rows = np.array([5, 4000, 100], dtype=np.int32)
    values = load_rows(features, names, rows=rows)
    assert values.shape == (3, 3)
    np.testing.assert_array_equal(values, load_rows(features, names)[rows])
    np.testing.assert_array_equal(values[:, 1:2], read_block(features, "btc-technical-01", names=names[1:2])[rows])
