"""Job ``register-cnn-lstm``: a judged CNN+LSTM in MLflow, as its experiment's challenger."""

import logging
import time
from pathlib import Path

from fleetcast.errors import ConfigurationError
from fleetcast.job_args.sequence import RegisterCnnLstm, SequenceArgs
from fleetcast.job_args.sequence_config import CnnLstmTraining, ConfigPart
from fleetcast.registry.sequence_models import register_sequence_model
from fleetcast.sequence.model_files import MODEL_FILE, load_model
from fleetcast.sequence.panel_inputs import read_args_config
from fleetcast.settings import TrackingSettings
from fleetcast.store.manifests import sequence_folder
from fleetcast.store.objects import Store
from fleetcast.tracking.target import choose_target
from fleetcast.tracking.tracker import Tracker

log = logging.getLogger(__name__)


def run(args: RegisterCnnLstm) -> None:
    """Registers it once; a second time it adds nothing."""
    register_model(args, CnnLstmTraining, tracking_uri=args.tracking_uri)


def register_model(args: SequenceArgs, kind: type[ConfigPart], *, tracking_uri: str | None) -> None:
    """Registers the model that these arguments have trained.

    Raises:
        ConfigurationError: the arguments name no stored panel, so that the model's key is not known.
        StoreError: the model was not trained, or not judged.
        ServiceError: MLflow does not answer.
    """
    started = time.monotonic()
    if args.dataset_rev is None:
        raise ConfigurationError(f"{args.command} needs --dataset-rev, the panel that the model was trained on")
    store = Store(args.store)
    run_key = args.run_key(read_args_config(args, kind), dataset_revs=args.taken_revs())
    target = choose_target(
        Path.cwd(),
        environment_uri=TrackingSettings().mlflow_tracking_uri,
        tracking_uri=tracking_uri,
        experiment_name=None,
    )
    log.info("MLflow at %s (from %s), experiment %s", target.shown_uri, target.source, target.experiment_name)
    folder = sequence_folder(store, run_key, "model")
    with folder.open_file(MODEL_FILE) as path:
        model, file = load_model(path), path.read_bytes()
    tracker = Tracker(target, now_ms=lambda: time.time_ns() // 1_000_000, task="register")
    version = register_sequence_model(tracker, store, run_key=run_key, model=model, file=file)
    sequence_folder(store, run_key, "registration").commit(
        inputs={"model": folder.require().output_digest},
        facts={
            "tracking_uri": target.shown_uri,
            "name": version.name,
            "version": version.number,
            "seconds": round(time.monotonic() - started, 3),
        },
    )
    print(f"model {run_key} is registered: {version.name} version {version.number}")
