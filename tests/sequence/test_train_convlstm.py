import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.job_args.sequence import TrainConvlstm
from fleetcast.jobs import train_convlstm
from fleetcast.jobs.main import run
from fleetcast.sequence.direction_inputs import read_inputs
from fleetcast.store.objects import Store
from synthetic_panel import make_panel, write_panel


def manifest_of(args: TrainConvlstm):
    return read_inputs(args).folder(Store(args.store), "model").require()


def metrics(args: TrainConvlstm) -> list[dict[str, float]]:
    history = json.loads(read_inputs(args).folder(Store(args.store), "model").read("history.json"))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


def test_the_manifest_says_what_was_trained_and_how_it_went(trained: TrainConvlstm) -> None:
    manifest = manifest_of(trained)
    assert {"model.keras", "scaler.npz", "config.json", "history.json"} == set(manifest.outputs)
    facts = manifest.facts
    assert facts["input_shape"] == [5, 4, 4, 1]
    assert facts["total_epochs"] == 3
    assert 1 <= facts["best_epoch"] <= 3
    assert facts["model_parameters"] > 0
    assert facts["training_time_seconds"] > 0
    assert facts["device"].endswith("CPUs")
    names = {"loss", "accuracy", "precision", "recall", "f1_score", "auc"}
    assert names | {f"val_{name}" for name in names} <= set(facts["metrics"])


def test_a_second_run_finds_the_first_ones_model(trained: TrainConvlstm, trained_store: Store) -> None:
    before = trained_store.newest_at("sequence")
    train_convlstm.run(trained)
    assert trained_store.newest_at("sequence") == before


def test_two_seeded_runs_have_equal_metrics(trained: TrainConvlstm, tmp_path: Path) -> None:
    again = trained.model_copy(update={"store": tmp_path.as_uri()})
    train_convlstm.run(again)
    assert metrics(again) == metrics(trained)


def test_bars_after_the_training_part_change_no_training_window(trained: TrainConvlstm, tmp_path: Path) -> None:
    frame = make_panel(260, 4)
    split = read_inputs(trained).data.split
    later = frame["timestamp"].unique().sort()[split.n_train_rows]
    factor = pl.when(pl.col("timestamp") > later).then(1.3).otherwise(1.0)
    changed = frame.with_columns([pl.col(c) * factor for c in ("open", "high", "low", "close")])
    other = trained.model_copy(update={"panel": write_panel(tmp_path / "p.parquet", changed)})
    ours, theirs = read_inputs(trained).data, read_inputs(other).data
    stop = split.n_train_rows
    np.testing.assert_allclose(ours.features[20:stop], theirs.features[20:stop], atol=1e-4)
    np.testing.assert_array_equal(ours.target[: stop - 1], theirs.target[: stop - 1])
    assert not np.allclose(ours.features[stop:], theirs.features[stop:])


def test_tensorboard_gets_a_file_for_training_and_one_for_validation(trained: TrainConvlstm, tmp_path: Path) -> None:
    folder = tmp_path / "events"
    args = trained.model_copy(update={"store": tmp_path.as_uri(), "epochs": 1, "tensorboard": str(folder)})
    train_convlstm.run(args)
    files = sorted(path.parent.name for path in folder.rglob("events.out.tfevents.*"))
    assert files == ["train", "validation"]
    assert b"epoch_f1_score" in next(folder.rglob("train/events*")).read_bytes()


def test_after_a_kill_it_goes_on_and_ends_the_same(trained: TrainConvlstm, tmp_path: Path) -> None:
    args = trained.model_copy(update={"epochs": 40, "patience": 40, "store": (tmp_path / "killed").as_uri()})
    key = read_inputs(args).run_key
    checkpoint = tmp_path / "killed" / "sequence" / key / "checkpoint.npz"
    code = f"import sys; from fleetcast.jobs.main import main; sys.argv = ['fleetcast', *{args.to_argv()!r}]; main()"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert checkpoint.exists()
    train_convlstm.run(args)
    assert not checkpoint.exists()
    whole = args.model_copy(update={"store": (tmp_path / "whole").as_uri()})
    train_convlstm.run(whole)
    assert metrics(args) == metrics(whole)


def test_a_gpu_that_is_not_there_is_refused_unless_the_cpu_may_stand_in(trained: TrainConvlstm, tmp_path: Path) -> None:
    args = trained.model_copy(update={"store": tmp_path.as_uri(), "gpu": True, "epochs": 1})
    with pytest.raises(ConfigurationError, match="a GPU was asked for and TensorFlow finds none"):
        train_convlstm.run(args)
    allowed = args.model_copy(update={"cpu_fallback": True})
    train_convlstm.run(allowed)
    assert manifest_of(allowed).facts["device"].endswith("because no GPU was found")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--features", "rsi"], "unknown features ['rsi']"),
        (["--symbols", "zzz"], "no bars of ['zzz']"),
        (["--target", "index"], "--index names the index's file and goes with --target index"),
        (["--batch-size", "0"], "--batch-size: Input should be greater than or equal to 1 (got '0')"),
        (["--config", "/nowhere.json"], "cannot read /nowhere.json: No such file or directory"),
        (["--cutoff", "2020-02-20T00:00:00Z"], "no window for"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    flags: list[str], message: str, panel_file: str, small_config: str, tmp_path: Path, capsys
) -> None:
    argv = ["train-convlstm", "--store", tmp_path.as_uri(), "--panel", panel_file, *flags]
    if "--config" not in flags:
        argv += ["--config", small_config]
    assert run(argv) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("train-convlstm: ")
    assert message in last
