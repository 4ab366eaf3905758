"""compute-features on the micro preset."""

import numpy as np
import pytest

from fleetcast.data.snapshot import load_snapshot
from fleetcast.errors import LookAheadError
from fleetcast.features.blocks import block_file, read_block
from fleetcast.features.catalogue import list_columns
from fleetcast.features.engine import compute_columns
from fleetcast.job_args.fleet import ComputeFeatures
from fleetcast.jobs import compute_features
from fleetcast.store.manifests import snapshot_folder


def test_every_column_is_stored_once_over_all_rows(features_run):
    manifest = features_run.folder.stage("features").require()
    names = [name for block in manifest.facts["blocks"].values() for name in block]
    assert names == [column.name for column in list_columns(features_run.args.symbols, width="core")]
    assert manifest.facts["n_columns"] == len(names)
    assert manifest.facts["n_rows"] == 6000
    assert set(manifest.outputs) == {block_file(block) for block in manifest.facts["blocks"]}
    snapshot = snapshot_folder(features_run.store, features_run.args.dataset_rev).require()
    assert manifest.inputs == {"snapshot": snapshot.output_digest}


def test_stored_values_are_those_of_the_engine(features_run):
    folder = features_run.folder.stage("features")
    bars = load_snapshot(features_run.store, features_run.args.dataset_rev, until=features_run.args.cutoff)
    for block in ("btc-technical-00", "sol-cross-01"):
        names = folder.require().facts["blocks"][block][::17]
        np.testing.assert_array_equal(read_block(folder, block, names=names), compute_columns(bars, names))


def test_committed_features_are_not_computed_again(features_run):
    stage = features_run.folder.stage("features")
    before = stage.require()
    compute_features.run(features_run.args.for_job(ComputeFeatures))
    assert stage.require() == before


def test_attempt_after_a_kill_gives_the_same_digests(features_run):
    again = features_run.under("again")
    again.store.write("runs/again/features/btc-technical-00.arrow", b"half a block")
    compute_features.run(again.args.for_job(ComputeFeatures))
    assert again.folder.stage("features").require().outputs == features_run.folder.stage("features").require().outputs


def test_cutoff_beyond_the_snapshot_is_refused_and_leaves_nothing(features_run):
    late = features_run.under("late", cutoff=features_run.args.cutoff.replace(year=2030))
    with pytest.raises(LookAheadError, match="asked for bars until 2030"):
        compute_features.run(late.args.for_job(ComputeFeatures))
    assert list(late.store.list_objects("runs/late")) == []
