"""Job ``train-convlstm``: one ConvLSTM, fitted, its weights and facts committed."""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import keras

from fleetcast.job_args.sequence import LogSequenceRun, TrainConvlstm
from fleetcast.jobs import log_sequence_run
from fleetcast.sequence.batches import WindowBatches
from fleetcast.sequence.checkpoints import Checkpoint
from fleetcast.sequence.convlstm import MONITOR, build_convlstm
from fleetcast.sequence.devices import choose_args_device
from fleetcast.sequence.direction_inputs import DirectionInputs, read_inputs
from fleetcast.sequence.event_files import tell_epochs
from fleetcast.sequence.fitting import FitResult, explaining_memory, fit_model, plan_fit
from fleetcast.sequence.model_files import MODEL_FILE, model_bytes, scaler_bytes
from fleetcast.sequence.stored_panels import known_until
from fleetcast.store.objects import Store

SHOWN = ("loss", MONITOR, "val_accuracy", "val_f1_score", "val_auc")


def run(args: TrainConvlstm) -> None:
    """Fits, from its checkpoint on if a killed attempt left one; ends at once when the model is committed."""
    inputs = read_inputs(args)
    store = Store(args.store)
    folder = inputs.folder(store, "model")
    if not folder.is_done():
        _train(args, inputs, store)
    print(f"model {inputs.run_key}: {store.uri}/{folder.path}")
    if args.mlflow:
        log_sequence_run.run(LogSequenceRun(store=args.store, run_key=inputs.run_key))


def _train(args: TrainConvlstm, inputs: DirectionInputs, store: Store) -> None:
    started = time.monotonic()
    device = choose_args_device(args)
    params, data = inputs.config.model_params, inputs.data
    checkpoint = Checkpoint(store, f"sequence/{inputs.run_key}/checkpoint.npz")
    batches = WindowBatches(
        data.features, data.target, sequence_length=params.sequence_length, batch_size=params.batch_size
    )
    plan = plan_fit(
        batches, data.split, epochs=params.epochs, patience=params.patience, seed=args.seed, monitor=MONITOR
    )
    events = Path(args.tensorboard) / inputs.run_key if args.tensorboard else None
    with explaining_memory(params.batch_size):
        model = build_convlstm(params, data.input_shape)
        result = fit_model(model, plan, checkpoint=checkpoint, on_epoch=tell_epochs(SHOWN, events=events))
    facts = _facts(args, inputs, result, model=model)
    facts |= {"device": device, "training_time_seconds": round(time.monotonic() - started, 3)}
    _commit(inputs, store, model=model, facts=facts)
    checkpoint.delete()


def _commit(inputs: DirectionInputs, store: Store, *, model: keras.Model, facts: dict[str, Any]) -> None:
    folder = inputs.folder(store, "model")
    with tempfile.TemporaryDirectory(prefix="fleetcast-model-") as scratch:
        folder.write(MODEL_FILE, model_bytes(model, Path(scratch)))
    folder.write("scaler.npz", scaler_bytes(inputs.data.scaler))
    folder.write("config.json", json.dumps(inputs.config.model_dump(mode="json"), indent=1).encode())
    folder.write("history.json", json.dumps(facts.pop("history")).encode())
    folder.commit(inputs={f"data-{i}": rev for i, rev in enumerate(inputs.dataset_revs)}, facts=facts)


def _facts(args: TrainConvlstm, inputs: DirectionInputs, result: FitResult, *, model: keras.Model) -> dict[str, Any]:
    split = inputs.data.split
    return {
        "experiment_name": inputs.config.experiment_name,
        "best_epoch": result.best_epoch,
        "total_epochs": len(result.history),
        "model_parameters": model.count_params(),
        "input_shape": [inputs.config.model_params.sequence_length, *inputs.data.input_shape],
        "metrics": result.best,
        "history": result.history,
        "config": inputs.config.model_dump(mode="json"),
        "target": args.target,
        "features": list(args.features),
        "symbols": list(inputs.data.panel.symbols),
        "dataset_revs": list(inputs.dataset_revs),
        "cutoff": known_until(inputs.data.panel).isoformat(),
        "source": inputs.source,
        "n_windows": {"train": len(split.train), "val": len(split.val), "test": len(split.test)},
        "purged_size": split.purged_size,
        "seed": args.seed,
        "precision": args.precision,
        "findings": [str(finding) for finding in inputs.data.panel.findings],
    }
