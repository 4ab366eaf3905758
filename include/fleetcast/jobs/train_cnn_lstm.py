"""Job ``train-cnn-lstm``: one CNN+LSTM on price series, fitted, committed and judged on the test part."""

import json
import os
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fleetcast.job_args.run_key import digest_of
from fleetcast.job_args.sequence import LogSequenceRun, TrainCnnLstm
from fleetcast.job_args.sequence_config import CnnLstmParams, CnnLstmTraining, parse_config
from fleetcast.jobs import log_sequence_run
from fleetcast.sequence.batches import WindowBatches
from fleetcast.sequence.checkpoints import Checkpoint
from fleetcast.sequence.cnn_lstm import GradientNorms, build_cnn_lstm, predict_with_uncertainty
from fleetcast.sequence.cnn_lstm_space import SPACE, params_at
from fleetcast.sequence.devices import choose_device
from fleetcast.sequence.event_files import tell_epochs
from fleetcast.sequence.fitting import (
    MONITOR,
    FitResult,
    OutOfMemoryError,
    explaining_memory,
    fit_model,
    plan_fit,
    score_while_fitting,
)
from fleetcast.sequence.model_files import MODEL_FILE, load_model, model_bytes
from fleetcast.sequence.panel_inputs import read_args_config, read_args_panel
from fleetcast.sequence.return_scores import baseline_returns, coverages, interval_factor, score_returns
from fleetcast.sequence.series_data import SeriesData, prepare_series
from fleetcast.sequence.training_plot import draw_training
from fleetcast.settings import StudySettings
from fleetcast.store.holdout import note_looks
from fleetcast.store.manifests import StageFolder, sequence_folder
from fleetcast.store.objects import Store
from fleetcast.tuning.client import StudyClient
from fleetcast.tuning.single_study import UnfitTrialError, commit_study, search, study_request
from fleetcast.tuning.worker import RunningTrial

SHOWN = ("loss", "val_loss", "val_mae", "gradient_norm", "learning_rate")


def run(args: TrainCnnLstm) -> None:
    """Searches if asked to, fits, from its checkpoint on if there is one, and judges; what is committed stays."""
    config = read_args_config(args, CnnLstmTraining)
    panel, source = read_args_panel(args)
    data = prepare_series(panel, config, features=args.features)
    store = Store(args.store)
    if args.optimize_hyperparams:
        config = _search(args, config, data, store=store)
    run_key = args.run_key(config, dataset_revs=(panel.dataset_rev,))
    device = choose_device(gpu=args.gpu, cpu_fallback=args.cpu_fallback, precision=args.precision, seed=args.seed)
    folder = sequence_folder(store, run_key, "model")
    if not folder.is_done():
        checkpoint = Checkpoint(store, f"sequence/{run_key}/checkpoint.npz")
        facts = {"source": source, "device": device}
        _train(args, config, data, folder=folder, checkpoint=checkpoint, facts=facts)
    evaluation = sequence_folder(store, run_key, "evaluation")
    if not evaluation.is_done():
        note_looks(store, dataset_rev=panel.dataset_rev, run_key=run_key, n_looks=1)
        _evaluate(args, config.model_params, data, model_folder=folder, folder=evaluation)
    print(f"model {run_key}: {store.uri}/{folder.path}")
    if args.mlflow:
        log_sequence_run.run(LogSequenceRun(store=args.store, run_key=run_key))


def _search(args: TrainCnnLstm, config: CnnLstmTraining, data: SeriesData, *, store: Store) -> CnnLstmTraining:
    """The best configuration of a search at the study service, which several workers may share."""
    key = args.run_key(config, dataset_revs=(data.panel.dataset_rev,))
    request = study_request(
        "cnn-lstm",
        data=f"{key} {args.trial_epochs} epochs",
        parameters=SPACE,
        direction="minimize",
        n_trials=args.n_trials,
        seed=args.seed,
    )
    folder = sequence_folder(store, digest_of([key, request.model_dump(mode="json")])[:20], "study")
    if not folder.is_done():
        settings = StudySettings()
        with StudyClient(settings.url, token=settings.require("token")) as client:
            found = search(
                client,
                request,
                lambda trial: _try(args, config, data, trial=trial),
                worker=f"{socket.gethostname()}-{os.getpid()}",
                timeout_seconds=args.timeout_seconds,
            )
        commit_study(
            folder,
            found,
            title="CNN+LSTM",
            inputs={"data-0": data.panel.dataset_rev},
            best=lambda point: _configured(config, params_at(point, config.model_params)).model_dump(mode="json"),
        )
    return parse_config(CnnLstmTraining, folder.read("best_config.json"), where=f"{folder.path}/best_config.json")


def _try(args: TrainCnnLstm, config: CnnLstmTraining, data: SeriesData, *, trial: RunningTrial) -> float:
    params = params_at(trial.params, config.model_params)
    choose_device(gpu=args.gpu, cpu_fallback=args.cpu_fallback, precision=args.precision, seed=args.seed)
    plan = plan_fit(
        _batches(data, params), data.split, epochs=args.trial_epochs, patience=params.patience, seed=args.seed
    )
    try:
        with explaining_memory(params.batch_size):
            model = build_cnn_lstm(params, data.features.shape[-1])
            return score_while_fitting(model, plan, metric=MONITOR, report=trial.report)
    except OutOfMemoryError as exc:
        raise UnfitTrialError(str(exc)) from exc


def _configured(config: CnnLstmTraining, params: CnnLstmParams) -> CnnLstmTraining:
    return config.model_copy(update={"model_params": params})


def _train(
    args: TrainCnnLstm,
    config: CnnLstmTraining,
    data: SeriesData,
    *,
    folder: StageFolder,
    checkpoint: Checkpoint,
    facts: dict[str, Any],
) -> None:
    started, params = time.monotonic(), config.model_params
    plan = plan_fit(_batches(data, params), data.split, epochs=params.epochs, patience=params.patience, seed=args.seed)
    events = Path(args.tensorboard) / folder.key if args.tensorboard else None
    with explaining_memory(params.batch_size):
        model = build_cnn_lstm(params, data.features.shape[-1])
        result = fit_model(
            model,
            plan,
            checkpoint=checkpoint,
            on_epoch=tell_epochs(SHOWN, events=events),
            callbacks=[GradientNorms()],
        )
    facts |= _facts(args, config, data, result=result, model=model)
    facts["training_time_seconds"] = round(time.monotonic() - started, 3)
    with tempfile.TemporaryDirectory(prefix="fleetcast-model-") as scratch:
        folder.write(MODEL_FILE, model_bytes(model, Path(scratch)))
    folder.write("config.json", json.dumps(config.model_dump(mode="json"), indent=1).encode())
    folder.write("history.json", json.dumps(result.history).encode())
    folder.write("training.png", draw_training(result.history, title=f"CNN+LSTM {folder.key}"))
    folder.commit(inputs={"data-0": data.panel.dataset_rev}, facts=facts)
    checkpoint.delete()


def _evaluate(
    args: TrainCnnLstm, params: CnnLstmParams, data: SeriesData, *, model_folder: StageFolder, folder: StageFolder
) -> None:
    """Scores on the test part; intervals are widened by what validation shows that dropout alone does not know."""
    with model_folder.open_file(MODEL_FILE) as path:
        model = load_model(path)
    batches, scale = _batches(data, params), data.target_scale
    val, test = data.split.val, data.split.test
    said = np.asarray(model.predict(batches.in_order(test), verbose=0)[:, 0], dtype=np.float64) * scale
    mean, deviation = predict_with_uncertainty(model, batches.in_order(test), seed=args.seed)
    val_mean, val_deviation = predict_with_uncertainty(model, batches.in_order(val), seed=args.seed)
    factor = interval_factor(data.returns(val), val_mean * scale, val_deviation * scale)
    true = data.returns(test)
    others = baseline_returns(data.returns(data.split.train), data.past_returns(test))
    manifest = model_folder.require()
    folder.commit(
        inputs={"model": manifest.output_digest, **manifest.inputs},
        facts={
            "n_windows": len(test),
            "scores": score_returns(true, said),
            "baselines": {name: score_returns(true, other) for name, other in others.items()},
            "uncertainty": {
                "factor_from_validation": factor,
                "before": coverages(true, mean * scale, deviation * scale),
                "after": coverages(true, mean * scale, deviation * scale * factor),
            },
        },
    )


def _batches(data: SeriesData, params: CnnLstmParams) -> WindowBatches:
    return WindowBatches(
        data.features,
        data.target,
        sequence_length=params.sequence_length,
        batch_size=params.batch_size,
        channel=False,
    )


def _facts(
    args: TrainCnnLstm, config: CnnLstmTraining, data: SeriesData, *, result: FitResult, model: keras.Model
) -> dict[str, Any]:
    split = data.split
    return {
        "experiment_name": config.experiment_name,
        "best_epoch": result.best_epoch,
        "total_epochs": len(result.history),
        "model_parameters": model.count_params(),
        "input_shape": [config.model_params.sequence_length, data.features.shape[-1]],
        "metrics": result.best,
        "config": config.model_dump(mode="json"),
        "features": list(args.features),
        "symbols": list(data.panel.symbols),
        "n_windows": {"train": len(split.train), "val": len(split.val), "test": len(split.test)},
        "purged_size": split.purged_size,
        "target_scale": data.target_scale,
        "seed": args.seed,
        "precision": args.precision,
        "findings": [str(finding) for finding in data.panel.findings],
    }
