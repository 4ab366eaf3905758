import json
from pathlib import Path

import mlflow
import numpy as np
import pytest

from fleetcast.job_args.sequence import FEATURES, TrainCnnLstm
from fleetcast.jobs import train_cnn_lstm
from fleetcast.jobs.main import run
from fleetcast.store.manifests import sequence_folder
from fleetcast.store.objects import Store

SMALL = {
    "model_params": {
        "sequence_length": 8,
        "cnn_filters": [4],
        "kernel_sizes": [3],
        "lstm_units": [4],
        "attention_heads": 1,
        "dense_units": [4],
        "epochs": 2,
    }
}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("config") / "small.json"
    path.write_text(json.dumps(SMALL))
    return str(path)


def only_run(store: Store) -> str:
    (key,) = store.list_folders("sequence")
    return key


@pytest.fixture(scope="module")
def source_store(config: str, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """What the command line of the source has left."""
    folder = tmp_path_factory.mktemp("source") / "out"
    argv = "train-cnn-lstm --symbols AAPL GOOGL MSFT --epochs 1 --gpu --cpu-fallback --output-dir"
    assert run([*argv.split(), str(folder), "--config", config]) == 0
    return Store(str(folder))


def test_the_command_line_of_the_source_trains_and_judges(source_store: Store) -> None:
    store, key = source_store, only_run(source_store)
    model = sequence_folder(store, key, "model").require()
    assert {"model.keras", "scaler.npz", "config.json", "history.json", "training.png"} == set(model.outputs)
    assert model.facts["symbols"] == ["AAPL", "GOOGL", "MSFT"]
    assert model.facts["device"].endswith("because no GPU was found")
    assert {"gradient_norm", "learning_rate", "val_mae", "val_rmse"} <= set(model.facts["metrics"])
    evaluation = sequence_folder(store, key, "evaluation")
    facts = evaluation.require().facts
    said = json.loads(evaluation.read("predictions.json"))
    errors = np.abs(np.subtract(said["return"], said["foretold"]))
    assert errors.mean() == pytest.approx(facts["scores"]["mae"], abs=1e-6)
    assert len(set(zip(said["date_ms"], said["symbol"], strict=True))) == facts["n_windows"]
    assert len(facts["scores"]) >= 10
    assert set(facts["baselines"]) == {"no change", "mean of training", "the last return again"}
    before, after = facts["uncertainty"]["before"]["coverage_90"], facts["uncertainty"]["after"]["coverage_90"]
    assert abs(after - 0.9) < abs(before - 0.9)
    assert sequence_folder(store, key, "model").read("training.png").startswith(b"\x89PNG")


def test_the_registered_model_says_how_its_windows_are_made_and_in_which_unit_it_answers(
    source_store: Store, config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = sequence_folder(source_store, only_run(source_store), "model").require()
    (rev,) = model.facts["dataset_revs"]
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)  # MLflow leaves another test's there, which goes before arguments
    argv = f"register-cnn-lstm --store {source_store.uri} --dataset-rev {rev} --epochs 1 --gpu"
    assert run([*argv.split(), "--config", config]) == 0
    mlflow.set_tracking_uri(uri)
    folder = Path(mlflow.artifacts.download_artifacts("models:/fleetcast-cnn-lstm@challenger", dst_path=str(tmp_path)))
    with np.load(folder / "scaler.npz") as scaler:
        assert scaler["mean"].shape == scaler["scale"].shape == (3, len(FEATURES))
    metadata = mlflow.models.get_model_info(str(folder)).metadata
    assert metadata["target_scale"] == model.facts["target_scale"]


def test_two_seeded_runs_have_equal_metrics(config: str, tmp_path: Path) -> None:
    found = []
    for name in ("one", "other"):
        args = TrainCnnLstm(store=str(tmp_path / name), symbols=("AAPL", "MSFT"), config=config)
        train_cnn_lstm.run(args)
        store = Store(args.store)
        facts = sequence_folder(store, only_run(store), "evaluation").require().facts
        found.append((facts["scores"], facts["uncertainty"]))
    assert found[0] == found[1]


def test_filters_and_kernels_of_unequal_length_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "c.json"
    path.write_text('{"model_params": {"cnn_filters": [8, 8, 8]}}')
    assert run(["train-cnn-lstm", "--store", str(tmp_path), "--config", str(path)]) == 2
    assert "cnn_filters has 3 entries and kernel_sizes 2" in capsys.readouterr().err


def test_a_history_shorter_than_a_window_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["train-cnn-lstm", "--store", str(tmp_path), "--cutoff", "2013-06-01T00:00:00Z"]
    assert run(argv) == 2
    assert "no window for" in capsys.readouterr().err
