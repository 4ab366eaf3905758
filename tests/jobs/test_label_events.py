"""label-events writes every family once, on the snapshot's timeline, with the counts that decide what is skipped."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from fleetcast.data.alignment import align_bars
from fleetcast.data.bars import BarSet
from fleetcast.data.reader import read_bars
from fleetcast.data.snapshot import take_snapshot
from fleetcast.features.structure import structure_columns
from fleetcast.job_args.fleet import LabelEvents
from fleetcast.jobs.main import run
from fleetcast.labels.families import find_events, load_family_labels
from fleetcast.store.manifests import RunFolder

FAMILY_IDS = ["btc-w3-high", "btc-w3-low", "eth-w3-high", "eth-w3-low"]


@pytest.fixture(scope="module")
def bars() -> BarSet:
    """The last 2,000 bars of BTC and ETH in the bundled sample."""
    sample, _ = read_bars("sample", symbols=["btc", "eth"])
    return align_bars(sample, cutoff=None, last_bars=2000, n_needed=1)[0]


@pytest.fixture
def args(store, bars) -> LabelEvents:
    snapshot = take_snapshot(store, bars)
    return LabelEvents(
        store=store.uri,
        dataset_rev=snapshot.key,
        cutoff=snapshot.facts["cutoff"],
        n_columns=40,
        n_selection_models=3,
        feature_width="core",
        symbols=("btc", "eth"),
        window_bars=(3,),
        swing_types=("high", "low"),
        deviations=(1.0, 2.5),
        thresholds=(0.5, 1.0),
        horizon_bars=(5, 20),
    ).with_run_key()


def test_stage_holds_every_family_as_found_in_the_snapshot(store, bars, args):
    assert run(args.to_argv()) == 0
    folder = RunFolder(store, args.run_key).stage("labels")
    manifest = folder.require()
    assert sorted(manifest.outputs) == [f"{family_id}.npz" for family_id in FAMILY_IDS]
    for family in args.families():
        labels = load_family_labels(folder, family.family_id)
        swings, outcomes = find_events(bars.bars[family.symbol], family, grid=args)
        np.testing.assert_array_equal(labels.row, swings.t)
        np.testing.assert_array_equal(labels.outcome, outcomes.outcome)
        structure, names = structure_columns(
            bars.bars[family.symbol],
            swings.t,
            swing_type=family.swing_type,
            deviation=swings.deviation,
            volatility=swings.volatility,
        )
        np.testing.assert_array_equal(labels.structure, structure)
        assert manifest.facts["structure_columns"] == names


def test_facts_say_the_timeline_and_every_variants_counts(store, bars, args):
    assert run(args.to_argv()) == 0
    folder = RunFolder(store, args.run_key).stage("labels")
    facts = folder.require().facts
    assert (facts["n_rows"], facts["timeline_last"] - facts["timeline_first"]) == (2000, 1999 * 900_000)
    assert list(facts["counts"]) == [variant.variant_id for variant in args.variants()]
    labels = load_family_labels(folder, "eth-w3-low")
    y = labels.outcome[labels.deviation >= 2.5][:, 1, 0]
    assert facts["counts"]["eth-w3-low-h5-d2.5-t1.0"] == {
        "events": int((y >= 0).sum()),
        "breakout": int((y == 0).sum()),
        "reversal": int((y == 1).sum()),
        "neither": int((y == 2).sum()),
        "skipped": f"{(y >= 0).sum()} events, at least 200 needed",
    }


def test_second_run_finds_the_manifest_and_writes_nothing(store, args):
    assert run(args.to_argv()) == 0
    path = store.local_path(f"runs/{args.run_key}/labels/btc-w3-high.npz")
    written = path.stat().st_mtime_ns
    assert run(args.to_argv()) == 0
    assert path.stat().st_mtime_ns == written


def test_interrupted_run_ends_with_the_same_digests(store, args):
    assert run(args.to_argv()) == 0
    folder = RunFolder(store, args.run_key).stage("labels")
    undisturbed = folder.require()
    store.local_path(f"{folder.path}/manifest.json").unlink()
    store.write(f"{folder.path}/btc-w3-high.npz", b"half of it")
    assert run(args.to_argv()) == 0
    assert folder.require().outputs == undisturbed.outputs


def test_earlier_cutoff_sees_fewer_rows_and_the_same_labels_in_them(store, args):
    cutoff = args.cutoff - timedelta(minutes=15 * 500)
    earlier = args.model_copy(update={"cutoff": cutoff}).with_run_key()
    assert run(args.to_argv()) == run(earlier.to_argv()) == 0
    whole = load_family_labels(RunFolder(store, args.run_key).stage("labels"), "btc-w3-high")
    folder = RunFolder(store, earlier.run_key).stage("labels")
    assert folder.require().facts["n_rows"] == 1500
    known = load_family_labels(folder, "btc-w3-high")
    labelled = known.outcome >= 0
    np.testing.assert_array_equal(known.outcome[labelled], whole.outcome[: len(known.row)][labelled])
    assert (known.known_row < 1500).all()


def test_too_few_bars_for_the_widest_window_are_refused(store, args, capsys):
    wide = args.model_copy(update={"window_bars": (3, 600)}).with_run_key()
    assert run(wide.to_argv()) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert "btc has 2000, eth has 2000, at least 2420 needed for window_bars 600 and horizon_bars 20" in message
    assert not list(store.list_objects(f"runs/{wide.run_key}"))


def test_symbol_that_the_snapshot_lacks_is_refused(args, capsys):
    other = args.model_copy(update={"symbols": ("btc", "sol")}).with_run_key()
    assert run(other.to_argv()) == 2
    assert "has no bars of ['sol']: found ['btc', 'eth']" in capsys.readouterr().err


def test_cutoff_beyond_the_snapshot_is_refused(args, capsys):
    later = args.model_copy(update={"cutoff": args.cutoff + timedelta(days=1)}).with_run_key()
    assert isinstance(later.cutoff, datetime)
    assert run(later.to_argv()) == 2
    assert "Ask for an earlier cutoff or take a later snapshot" in capsys.readouterr().err
