"""compute-features on the micro preset."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from certified import made_up_certificate
from fleetcast.audit.certificate import commit_certificate
from fleetcast.data.snapshot import load_snapshot
from fleetcast.errors import DataError, LookAheadError, StoreUnwritableError
from fleetcast.features.blocks import block_file, read_block
from fleetcast.features.catalogue import find_columns, list_columns
from fleetcast.features.engine import compute_columns
from fleetcast.job_args.fleet import ComputeFeatures
from fleetcast.job_args.run_key import certificate_key
from fleetcast.jobs import compute_features
from fleetcast.store.manifests import RunFolder, snapshot_folder
from fleetcast.store.objects import Store, digest_bytes


def test_every_column_is_stored_once_over_all_rows(features_run):
    manifest = features_run.folder.stage("features").require()
    names = [name for block in manifest.facts["blocks"].values() for name in block]
    assert names == [column.name for column in list_columns(features_run.args.symbols, width="core")]
    assert manifest.facts["n_columns"] == len(names)
    assert manifest.facts["n_rows"] == 6000
    assert set(manifest.outputs) == {block_file(block) for block in manifest.facts["blocks"]}
    snapshot = snapshot_folder(features_run.store, features_run.args.dataset_rev).require()
    assert manifest.inputs == {
        "snapshot": snapshot.output_digest,
        "certificate": made_up_certificate().digest,
    }
    assert manifest.facts["certificate_key"] == certificate_key()


def test_stored_values_are_those_of_the_engine(features_run):
    folder = features_run.folder.stage("features")
    bars = load_snapshot(features_run.store, features_run.args.dataset_rev, until=features_run.args.cutoff)
    for block in ("btc-technical-00", "sol-cross-01"):
        names = folder.require().facts["blocks"][block][::17]
        computed = compute_columns(bars, names)
        columns = find_columns(names, symbols=features_run.args.symbols)
        for i, column in enumerate(columns):
            computed[: made_up_certificate().warm_up_of(column, bar_ms=bars.bar_ms), i] = np.nan
        np.testing.assert_array_equal(read_block(folder, block, names=names), computed)


def test_columns_that_are_not_admitted_are_left_out_and_named(snapshot_run, tmp_path):
    run = snapshot_run.at(tmp_path)
    refused = made_up_certificate(refused=("technical.rsi.close.14", "cross.beta.*.50"))
    commit_certificate(run.store, refused, width="core")
    compute_features.run(run.args.for_job(ComputeFeatures))
    facts = run.folder.stage("features").require().facts
    assert facts["not_admitted"]["btc.technical.rsi.close.14"] == "is refused by a test"
    assert "sol.cross.beta.eth.50" in facts["not_admitted"]
    assert len(facts["not_admitted"]) == 3 + 6
    stored = {name for names in facts["blocks"].values() for name in names}
    assert not stored & set(facts["not_admitted"])
    assert facts["n_columns"] == len(stored)


def test_without_a_certificate_of_this_code_nothing_is_computed(snapshot_run, tmp_path):
    run = snapshot_run.at(tmp_path)
    with pytest.raises(DataError, match=r"no certificate for columns of width core at .*certify-features"):
        compute_features.run(run.args.for_job(ComputeFeatures))
    assert run.folder.stage("features").committed() is None


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


def copy_inputs(run, home: Path):
    """The run's arguments for a store in another folder, that holds what the run was given and nothing of its own."""
    shutil.copytree(run.store.local_path(""), home, ignore=shutil.ignore_patterns("runs"), dirs_exist_ok=True)
    return run.args.model_copy(update={"store": home.as_uri()}).for_job(ComputeFeatures)


def files_of(args) -> dict[str, bytes]:
    folder = Store(args.store).local_path(f"runs/{args.run_key}/features")
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of 12 MiB: the snapshot and two or three blocks."""
    home = tmp_path / "disk"
    home.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", home], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"a full disk needs the right to mount one: {mounted.stderr.strip()}")
    yield home
    subprocess.run(["umount", home], check=True)


def test_disk_that_fills_up_leaves_whole_blocks_alone_and_the_next_attempt_completes_them(features_run, small_disk):
    args = copy_inputs(features_run, small_disk)
    expected = features_run.folder.stage("features").require().outputs
    with pytest.raises(StoreUnwritableError, match="No space left"):
        compute_features.run(args)
    left = files_of(args)
    assert 0 < len(left) < len(expected)
    assert {name: digest_bytes(data) for name, data in left.items()} == {name: expected[name] for name in left}
    subprocess.run(["mount", "-o", "remount,size=1g", small_disk], check=True)
    compute_features.run(args)
    assert RunFolder(Store(args.store), args.run_key).stage("features").require().outputs == expected


def test_file_that_may_not_grow_is_not_left_half_written(features_run, tmp_path):
    args = copy_inputs(features_run, tmp_path / "store")
    command = [str(Path(sys.executable).with_name("fleetcast")), *args.to_argv()]
    script = 'ulimit -f 1024; exec "$@"'  # a file's size in KiB: less than a block
    done = subprocess.run(["bash", "-c", script, "bash", *command], capture_output=True, text=True)
    assert done.returncode != 0
    assert "File too large" in done.stderr.splitlines()[-1]
    assert files_of(args) == {}
