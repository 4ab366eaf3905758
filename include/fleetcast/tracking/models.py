"""Models of families in MLflow: the stored LightGBM text, a signature and stated requirements, and no pickle."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightgbm as lgb
import mlflow.lightgbm
import numpy as np
from mlflow.entities import LoggedModel, LoggedModelOutput
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

from fleetcast.errors import DataError
from fleetcast.tracking.records import KIND_TAG
from fleetcast.tracking.tracker import FoundRun, Tracker

MODEL_FILE = "model.lgb"
MODEL_TAG = "fleetcast.model_id"  # on the run: its model is complete
REQUIREMENTS = ("mlflow-skinny", "lightgbm", "numpy", "pandas")  # what loading and predicting with a booster imports
N_CLASSES = 3


@dataclass(frozen=True)
class ModelRecord:
    """One model to log.

    Attributes:
        name: the model's name in MLflow, the family's id.
        text: LightGBM's text form, as the store holds it.
        columns: names of its inputs, in order.
        tags: of the model; `KIND_TAG` and ``run_key`` are among them.
        metrics: shown with the model and with its run.
        run_tags: of its run, once the model is complete.
        metadata: lies in the model's own MLmodel file.
        files: by name, what else lies beside it.
    """

    name: str
    text: bytes
    columns: Sequence[str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    run_tags: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


def log_model(tracker: Tracker, run: FoundRun, record: ModelRecord) -> str:
    """Logs the model as the run's output; returns its id.

    The model is READY only when all its files lie there, and the run names it (`MODEL_TAG`) only after that: what a
    killed process left before is found by `delete_unfinished_models`.

    Raises:
        DataError: the model does not take these columns.
        ServiceError: MLflow does not answer.
    """
    booster = lgb.Booster(model_str=record.text.decode())
    if booster.num_feature() != len(record.columns):
        raise DataError(
            f"cannot log the model of {record.name}: it takes {booster.num_feature()} columns, the run selected "
            f"{len(record.columns)}. The variant's model.txt and columns/selected.json are of different runs."
        )
    tags = {**record.tags, "model_sha256": hashlib.sha256(record.text).hexdigest()}
    with tracker.asking(f"log the model of {record.name}"), tempfile.TemporaryDirectory() as folder:
        logged = tracker.client.create_logged_model(
            tracker.experiment_id, name=record.name, source_run_id=run.run_id, tags=tags, model_type="lightgbm"
        )
        _save(booster, record, logged, Path(folder) / "model")
        tracker.client.log_model_artifacts(logged.model_id, str(Path(folder) / "model"))
        tracker.client.finalize_logged_model(logged.model_id, "READY")
        tracker.client.log_outputs(run.run_id, [LoggedModelOutput(logged.model_id, step=0)])
    tracker.log(run, metrics=record.metrics, model_id=logged.model_id)
    tracker.log(run, tags={**record.run_tags, MODEL_TAG: logged.model_id})
    return str(logged.model_id)


def delete_unfinished_models(tracker: Tracker, run_key: str, *, kind: str, finished: frozenset[str]) -> int:
    """Deletes the fleet's models of one kind that no run names as complete; returns how many.

    Args:
        tracker: the experiment.
        run_key: the fleet's.
        kind: which of its models; those of other kinds are somebody else's.
        finished: ids of the models that runs name.
    """
    with tracker.asking("search models"):
        found, token = [], None
        while True:
            page = tracker.client.search_logged_models(
                [tracker.experiment_id],
                f"tags.run_key = '{run_key}' AND tags.`{KIND_TAG}` = '{kind}'",
                page_token=token,
            )
            found += [model.model_id for model in page]
            token = page.token
            if not token:
                break
        unfinished = [model_id for model_id in found if model_id not in finished]
        for model_id in unfinished:
            tracker.client.delete_logged_model(model_id)
    return len(unfinished)


def signature_of(columns: Sequence[str]) -> ModelSignature:
    """Inputs: one float32 column each, by name; output: (n_rows, 3) probabilities of breakout, reversal, neither."""
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.float, name) for name in columns]),
        outputs=Schema([TensorSpec(np.dtype(np.float64), (-1, N_CLASSES))]),
    )


def _save(booster: lgb.Booster, record: ModelRecord, logged: LoggedModel, folder: Path) -> None:
    mlflow.lightgbm.save_model(
        booster,
        str(folder),
        signature=signature_of(record.columns),
        pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
        mlflow_model=Model(
            artifact_path=logged.artifact_location,
            model_uuid=logged.model_id,
            run_id=logged.source_run_id,
            model_id=logged.model_id,
        ),
        metadata=dict(record.metadata) or None,
    )
    (folder / MODEL_FILE).write_bytes(record.text)  # the very bytes that the store holds
    for name, data in record.files.items():
        (folder / name).write_bytes(data)
