"""Sequence models in MLflow: the stored ``.keras`` file, a signature and stated requirements, and no pickle."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

import mlflow.keras
import numpy as np
from mlflow.entities import LoggedModel, LoggedModelOutput
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

from fleetcast.tracking.models import MODEL_TAG
from fleetcast.tracking.tracker import FoundRun, Tracker

REQUIREMENTS = ("mlflow-skinny", "keras", "numpy")
TENSORFLOW = ("tensorflow", "tensorflow-cpu")  # a laptop has the second


@dataclass(frozen=True)
class SequenceModelRecord:
    """One model to log.

    Attributes:
        name: in MLflow.
        model: as Keras has loaded it.
        file: its ``.keras`` file, as the store holds it.
        input_shape: of one window.
        tags: of the model; ``run_key`` and the kind are among them.
        metadata: lies in the model's own MLmodel file.
        files: by name, what else lies beside it.
    """

    name: str
    model: Any
    file: bytes
    input_shape: tuple[int, ...]
    tags: Mapping[str, str]
    metadata: Mapping[str, Any]
    files: Mapping[str, bytes]


def log_sequence_model(tracker: Tracker, run: FoundRun, record: SequenceModelRecord) -> str:
    """Logs the model as the run's output; returns its id. The run names it (`MODEL_TAG`) once it is complete.

    Raises:
        ServiceError: MLflow does not answer.
    """
    tags = {**record.tags, "model_sha256": hashlib.sha256(record.file).hexdigest()}
    with tracker.asking(f"log the model of {record.name}"), tempfile.TemporaryDirectory() as folder:
        logged = tracker.client.create_logged_model(
            tracker.experiment_id, name=record.name, source_run_id=run.run_id, tags=tags, model_type="keras"
        )
        _save(record, logged, Path(folder) / "model")
        tracker.client.log_model_artifacts(logged.model_id, str(Path(folder) / "model"))
        tracker.client.finalize_logged_model(logged.model_id, "READY")
        tracker.client.log_outputs(run.run_id, [LoggedModelOutput(logged.model_id, step=0)])
    tracker.log(run, tags={MODEL_TAG: logged.model_id})
    return str(logged.model_id)


def sequence_signature(input_shape: tuple[int, ...]) -> ModelSignature:
    """Inputs: windows ``(n, *input_shape)`` float32; output: ``(n, 1)``, a probability of up or a scaled return."""
    return ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, *input_shape))]),
        outputs=Schema([TensorSpec(np.dtype(np.float32), (-1, 1))]),
    )


def _save(record: SequenceModelRecord, logged: LoggedModel, folder: Path) -> None:
    mlflow.keras.save_model(
        record.model,
        str(folder),
        signature=sequence_signature(record.input_shape),
        pip_requirements=[*(f"{name}=={version(name)}" for name in REQUIREMENTS), f"tensorflow=={_tensorflow()}"],
        mlflow_model=Model(
            artifact_path=logged.artifact_location,
            model_uuid=logged.model_id,
            run_id=logged.source_run_id,
            model_id=logged.model_id,
        ),
        metadata=dict(record.metadata),
    )
    (saved,) = folder.rglob("*.keras")
    saved.write_bytes(record.file)  # the very bytes that the store holds
    for name, data in record.files.items():
        (folder / name).write_bytes(data)


def _tensorflow() -> str:
    return next(found.version for found in distributions() if found.name.replace("_", "-") in TENSORFLOW)
