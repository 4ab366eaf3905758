"""The search at a real study service."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.job_args.sequence import DirectionArgs, TrainConvlstm, TuneConvlstm
from fleetcast.jobs import train_convlstm, tune_convlstm
from fleetcast.sequence.direction_inputs import read_inputs
from fleetcast.store.manifests import sequence_folder
from fleetcast.store.objects import Store
from model_contract import FLEETCAST
from study_service import StudyService

SPACE = {
    "hyperparameter_space": {
        "n_layers": {"min": 1, "max": 2},
        "conv_lstm_filters": {"min": 1, "max": 2},
        "kernel_size": {"min": 1, "max": 2},
        "dense_units": {"min": 2, "max": 4},
        "batch_size": [64, 128],
    }
}


@pytest.fixture
def tuning(service: StudyService, trained: TrainConvlstm, tmp_path: Path) -> TuneConvlstm:
    (tmp_path / "space.json").write_text(json.dumps(SPACE))
    shared = trained.model_dump(include=set(DirectionArgs.model_fields)) | {"store": (tmp_path / "store").as_uri()}
    return TuneConvlstm(**shared, tuning_config=str(tmp_path / "space.json"), n_trials=3, trial_epochs=2)


def files_of(args: TuneConvlstm, folder: str) -> dict[str, bytes]:
    store = Store(args.store)
    return {name: store.read(f"{folder}/{name}") for name in store.list_files(folder)}


def only_study(args: TuneConvlstm) -> str:
    paths = [path for path in Store(args.store).list_objects("sequence") if path.endswith("study/manifest.json")]
    (path,) = paths
    return path.removesuffix("/manifest.json")


def test_the_best_of_a_search_is_trained_again_for_longer(
    tuning: TuneConvlstm, capsys: pytest.CaptureFixture[str]
) -> None:
    tune_convlstm.run(tuning)
    folder = only_study(tuning)
    files = files_of(tuning, folder)
    assert {"history.html", "importances.html", "slice.html", "trials_dataframe.csv", "all_trials.json"} <= set(files)
    summary = json.loads(files["study_summary.json"])
    assert sum(summary["n_by_state"].values()) == 3
    assert 0 <= summary["best_trials"][0]["value"] <= 1
    command = shlex.split(capsys.readouterr().out.splitlines()[-1].partition("fleetcast ")[2])
    best = TrainConvlstm.from_argv(command)
    assert best.config == f"{tuning.store}/{folder}/best_config.json"
    train_convlstm.run(best)
    params = read_inputs(best).config.model_params
    assert params.epochs == 8  # four times a trial's; the configuration's own are 3
    assert params.conv_lstm_filters == tuple(
        summary["best_trials"][0]["params"][f"conv_lstm_filters_{i + 1}"]
        for i in range(summary["best_trials"][0]["params"]["n_layers"])
    )


def test_two_workers_share_one_search_and_commit_it_once(tuning: TuneConvlstm) -> None:
    args = tuning.model_copy(update={"n_trials": 4, "seed": 3})
    workers = [
        subprocess.Popen([*FLEETCAST, *args.model_copy(update={"worker": worker}).to_argv()], stderr=subprocess.DEVNULL)
        for worker in (0, 1)
    ]
    assert [worker.wait() for worker in workers] == [0, 0]
    key = only_study(args).split("/")[1]
    folder = sequence_folder(Store(args.store), key, "study")
    manifest = folder.require()
    assert sum(manifest.facts["n_by_state"].values()) == 4
    assert all(folder.read(name) for name in manifest.outputs)  # whoever wrote last wrote the same


def test_a_search_without_time_has_nothing_to_commit(tuning: TuneConvlstm) -> None:
    hurried = tuning.model_copy(update={"timeout_seconds": 1e-6, "seed": 7})
    with pytest.raises(ConfigurationError, match=r"no trial of study convlstm-[0-9a-f]+ was completed"):
        tune_convlstm.run(hurried)


def test_a_search_that_ran_out_of_time_goes_on_when_it_gets_more(
    tuning: TuneConvlstm, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tuning.model_copy(update={"timeout_seconds": 0.2, "seed": 11})  # its first trial begins, and no other
    tune_convlstm.run(cut)
    assert "best of 1 completed trials (3 were asked for)" in capsys.readouterr().out
    tune_convlstm.run(cut.model_copy(update={"timeout_seconds": None}))
    store = Store(tuning.store)
    studies = [sequence_folder(store, key, "study").require().facts for key in store.list_folders("sequence")]
    assert sorted(sum(facts["n_by_state"].values()) for facts in studies) == [1, 3]
    assert len({facts["study"] for facts in studies}) == 1


def test_a_gpu_that_is_not_there_costs_no_trial(tuning: TuneConvlstm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_STUDIES_URL", "http://127.0.0.1:9")  # nobody answers: it was not asked
    with pytest.raises(ConfigurationError, match="a GPU was asked for and TensorFlow finds none"):
        tune_convlstm.run(tuning.model_copy(update={"gpu": True}))


def test_without_the_services_token_it_says_so(tuning: TuneConvlstm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLEETCAST_STUDIES_TOKEN")
    with pytest.raises(ConfigurationError, match="FLEETCAST_STUDIES_TOKEN is not set"):
        tune_convlstm.run(tuning)
