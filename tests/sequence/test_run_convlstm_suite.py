import json
from pathlib import Path

import pytest

from fleetcast.job_args.sequence import DirectionArgs, RunConvlstmSuite, SequenceStatus, TrainConvlstm
from fleetcast.jobs import run_convlstm_suite, sequence_status
from fleetcast.store.manifests import sequence_folder
from fleetcast.store.objects import Store
from study_service import StudyService

SPACE = {
    "hyperparameter_space": {
        "n_layers": {"min": 1, "max": 1},
        "conv_lstm_filters": {"min": 1, "max": 2},
        "kernel_size": {"min": 1, "max": 2},
        "dense_units": {"min": 2, "max": 4},
        "batch_size": [64, 128],
    }
}


def test_a_suite_judges_a_baseline_and_the_best_of_its_searches(
    service: StudyService, trained: TrainConvlstm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "space.json").write_text(json.dumps(SPACE))
    shared = trained.model_dump(include=set(DirectionArgs.model_fields))
    shared |= {"store": (tmp_path / "store").as_uri(), "epochs": 2}
    args = RunConvlstmSuite(
        **shared, tuning_config=str(tmp_path / "space.json"), quick_trials=1, n_trials=1, trial_epochs=1
    )
    run_convlstm_suite.run(args)
    capsys.readouterr()
    sequence_status.run(SequenceStatus(store=args.store, json=True))
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(tuple(one["done"]) for one in found) == [
        ("model", "evaluation"),
        ("model", "evaluation"),
        ("study",),
        ("study",),
    ]
    store = Store(args.store)
    models = (sequence_folder(store, key, "model").committed() for key in store.list_folders("sequence"))
    assert sorted(model.facts["config"]["model_params"]["epochs"] for model in models if model) == [2, 4]
    assert sorted((one["n_trials"], one["n_complete"]) for one in found if "n_trials" in one) == [(1, 1), (2, 2)]
