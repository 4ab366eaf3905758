"""A sequence model's manifests as one MLflow run: logged once, found again by its key."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fleetcast.store.manifests import sequence_folder
from fleetcast.store.objects import Store
from fleetcast.tracking.records import KEY_TAG, KIND_TAG, MAX_TAG_CHARACTERS, RunRecord
from fleetcast.tracking.tracker import FoundRun, Tracker

KIND = "sequence"
TAGS = ("experiment_name", "device", "source", "precision", "target")


def log_sequence_run(tracker: Tracker, store: Store, *, run_key: str) -> FoundRun:
    """Logs the model's parameters, its epochs and, once it was evaluated, its scores; a second time it adds nothing.

    Args:
        tracker: the experiment; it is opened here.
        store: where the manifests are.
        run_key: the model's.

    Raises:
        StoreError: the model was not trained.
        ServiceError: MLflow does not answer.
    """
    record, history = describe_run(store, run_key)
    tracker.open()
    found = tracker.find(record.key)
    if found and found[0].is_finished:
        return found[0]
    run = found[0] if found else tracker.create(record)
    tracker.log_history(run, history)
    return tracker.finish(run, record)


def describe_run(store: Store, run_key: str) -> tuple[RunRecord, list[dict[str, float]]]:
    """What MLflow is told: the record, and one row an epoch."""
    folder = sequence_folder(store, run_key, "model")
    model, evaluation = folder.require(), sequence_folder(store, run_key, "evaluation").committed()
    facts = model.facts
    scores = evaluation.facts["scores"] if evaluation else {}
    outputs = [model.output_digest[:20], evaluation.output_digest[:20] if evaluation else ""]
    tags = {
        KEY_TAG: "/".join([run_key, *outputs]),
        KIND_TAG: KIND,
        "run_key": run_key,
        "symbols": ", ".join(facts["symbols"])[:MAX_TAG_CHARACTERS],
        **{name: str(facts[name])[:MAX_TAG_CHARACTERS] for name in TAGS if name in facts},
    }
    counts = ("best_epoch", "total_epochs", "model_parameters", "training_time_seconds")
    record = RunRecord(
        key=tags[KEY_TAG],
        name=f"{facts['experiment_name']} {run_key}",
        tags=tags,
        parameters=dict(_flat(facts["config"]))
        | {"seed": str(facts["seed"]), "features": ", ".join(facts["features"])},
        metrics={
            **{name: float(facts[name]) for name in counts},
            **{f"best_{name}": float(value) for name, value in facts["metrics"].items()},
            **{f"test_{name}": value for name, value in _values(scores)},
        },
        seconds=facts["training_time_seconds"],
    )
    return record, json.loads(folder.read("history.json"))


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)


def _values(scores: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Plain scores, or estimates with their intervals."""
    for name, score in scores.items():
        value = score["value"] if isinstance(score, Mapping) else score
        if value is not None:
            yield name, float(value)
