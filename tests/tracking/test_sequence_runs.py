import json
import time

from mlflow.tracking import MlflowClient

from fleetcast.store.manifests import sequence_folder
from fleetcast.store.objects import Store
from fleetcast.tracking.sequence_runs import describe_run, log_sequence_run
from fleetcast.tracking.target import TrackingTarget
from fleetcast.tracking.tracker import Tracker

KEY = "0123456789abcdef0123"
HISTORY = [{"loss": 0.7, "val_loss": 0.8}, {"loss": 0.6, "val_loss": 0.9}, {"loss": 0.5, "val_loss": 1.0}]


def commit_model(store: Store) -> None:
    folder = sequence_folder(store, KEY, "model")
    folder.write("history.json", json.dumps(HISTORY).encode())
    folder.commit(
        facts={
            "experiment_name": "convlstm",
            "symbols": ["AAPL", "MSFT"],
            "source": "sample",
            "device": "2 CPUs",
            "precision": "float32",
            "target": "panel",
            "features": ["return_1"],
            "seed": 3,
            "config": {"model_params": {"conv_lstm_filters": [8, 4], "epochs": 3}},
            "best_epoch": 1,
            "total_epochs": 3,
            "model_parameters": 99,
            "training_time_seconds": 2.5,
            "metrics": {"val_f1_score": 0.4},
        }
    )


def commit_evaluation(store: Store) -> None:
    scores = {"accuracy": {"value": 0.6, "low": 0.5, "high": 0.7}, "precision": {"value": None}, "rmse": 0.01}
    sequence_folder(store, KEY, "evaluation").commit(facts={"scores": scores})


def tracker_of(target: TrackingTarget) -> Tracker:
    return Tracker(target, now_ms=lambda: time.time_ns() // 1_000_000)


def test_the_record_holds_parameters_facts_and_scores(store: Store) -> None:
    commit_model(store)
    commit_evaluation(store)
    record, history = describe_run(store, KEY)
    assert history == HISTORY
    assert record.parameters["model_params.conv_lstm_filters"] == "[8, 4]"
    assert record.parameters["seed"] == "3"
    assert record.metrics["best_val_f1_score"] == 0.4
    assert {name: value for name, value in record.metrics.items() if name.startswith("test_")} == {
        "test_accuracy": 0.6,
        "test_rmse": 0.01,
    }


def test_a_model_is_logged_once_with_all_its_epochs(target: TrackingTarget, store: Store) -> None:
    commit_model(store)
    first = log_sequence_run(tracker_of(target), store, run_key=KEY)
    again = log_sequence_run(tracker_of(target), store, run_key=KEY)
    assert again.run_id == first.run_id
    client = MlflowClient(tracking_uri=target.uri)
    found = client.get_metric_history(first.run_id, "val_loss")
    assert [(point.step, point.value) for point in found] == [(1, 0.8), (2, 0.9), (3, 1.0)]
    assert client.get_run(first.run_id).data.tags["symbols"] == "AAPL, MSFT"


def test_an_evaluated_model_is_logged_with_its_scores(target: TrackingTarget, store: Store) -> None:
    commit_model(store)
    before = log_sequence_run(tracker_of(target), store, run_key=KEY)
    commit_evaluation(store)
    after = log_sequence_run(tracker_of(target), store, run_key=KEY)
    assert after.run_id != before.run_id
    metrics = MlflowClient(tracking_uri=target.uri).get_run(after.run_id).data.metrics
    assert metrics["test_accuracy"] == 0.6
