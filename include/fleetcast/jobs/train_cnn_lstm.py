"""Job ``train-cnn-lstm``: one CNN+LSTM on price series, fitted, committed and judged on the test part."""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fleetcast.job_args.sequence import LogSequenceRun, TrainCnnLstm
from fleetcast.job_args.sequence_config import CnnLstmParams, CnnLstmTraining, parse_config
from fleetcast.jobs import log_sequence_run
from fleetcast.jobs.tune_cnn_lstm import search_best
from fleetcast.sequence.checkpoints import Checkpoint
from fleetcast.sequence.cnn_lstm import GradientNorms, build_cnn_lstm, predict_with_uncertainty
from fleetcast.sequence.devices import choose_args_device
from fleetcast.sequence.direction_scores import draw_blocks, plain
from fleetcast.sequence.event_files import tell_epochs
from fleetcast.sequence.fitting import FitResult, explaining_memory, fit_model, plan_fit
from fleetcast.sequence.model_files import MODEL_FILE, load_model, model_bytes, scaler_bytes
from fleetcast.sequence.panel_inputs import read_args_config, read_args_panel
from fleetcast.sequence.return_judging import judge_returns, return_block_rows
from fleetcast.sequence.return_report import ReturnResult, render_return_report
from fleetcast.sequence.return_scores import Values, baseline_returns, coverages, interval_factor, score_returns
from fleetcast.sequence.series_data import SeriesData, prepare_series, series_batches
from fleetcast.sequence.stored_panels import known_until
from fleetcast.sequence.training_plot import draw_training
from fleetcast.store.holdout import count_looks, note_looks
from fleetcast.store.manifests import REPORT_FILE, StageFolder, sequence_folder
from fleetcast.store.objects import Store

SHOWN = ("loss", "val_loss", "val_mae", "gradient_norm", "learning_rate")


def run(args: TrainCnnLstm) -> None:
    """Searches if asked to, fits, from its checkpoint on if there is one, and judges; what is committed stays."""
    config = read_args_config(args, CnnLstmTraining)
    panel, source = read_args_panel(args)
    data = prepare_series(panel, config, features=args.features)
    store = Store(args.store)
    if args.optimize_hyperparams:
        study = search_best(args, config, data)
        config = parse_config(CnnLstmTraining, study.read("best_config.json"), where=f"{study.path}/best_config.json")
        data = prepare_series(panel, config, features=args.features)
    run_key = args.run_key(config, dataset_revs=(panel.dataset_rev,))
    device = choose_args_device(args)
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
    plan = plan_fit(
        series_batches(data, params), data.split, epochs=params.epochs, patience=params.patience, seed=args.seed
    )
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
    folder.write("scaler.npz", scaler_bytes(data.scaler))
    folder.write("config.json", json.dumps(config.model_dump(mode="json"), indent=1).encode())
    folder.write("history.json", json.dumps(result.history).encode())
    folder.write("training.png", draw_training(result.history, title=f"CNN+LSTM {folder.key}"))
    folder.commit(inputs={"data-0": data.panel.dataset_rev}, facts=facts)
    checkpoint.delete()


def _evaluate(
    args: TrainCnnLstm, params: CnnLstmParams, data: SeriesData, *, model_folder: StageFolder, folder: StageFolder
) -> None:
    """Scores on the test part; intervals are widened by what validation shows that dropout alone does not know."""
    manifest, (said, uncertainty) = model_folder.require(), _predict(args, params, data, model_folder)
    test, true = data.split.test, data.returns(data.split.test)
    others = baseline_returns(data.returns(data.split.train), data.past_returns(test))
    days = data.dates(test)
    place = np.unique(days, return_inverse=True)[1]
    blocks = draw_blocks(int(place.max()) + 1, seed=args.seed, block_rows=return_block_rows(data.horizon))
    result = ReturnResult(
        true=true,
        said=said,
        dates=days,
        model=judge_returns(true, said, place, blocks),
        baselines={name: judge_returns(true, other, place, blocks) for name, other in others.items()},
        uncertainty={name: uncertainty[name] for name in ("before", "after")},
        facts=manifest.facts,
        history=json.loads(model_folder.read("history.json")),
        n_looks=count_looks(folder.store, dataset_rev=data.panel.dataset_rev),
    )
    page = render_return_report(result, run_key=folder.key, code_digest=manifest.code_digest)
    folder.write(REPORT_FILE, page.encode())
    folder.write("predictions.json", json.dumps(_predictions(result, data)).encode())
    folder.commit(
        inputs={"model": manifest.output_digest, **manifest.inputs},
        facts={
            "n_windows": len(test),
            "scores": score_returns(true, said),
            "intervals": plain(result.model.estimates),
            "baselines": {name: score_returns(true, other) for name, other in others.items()},
            "over_baselines": {name: plain(found) for name, found in result.over_baselines().items()},
            "uncertainty": uncertainty,
            "is_good": result.verdict().is_good,
            "recommendations": [one.advice for one in result.verdict().recommendations()],
            "holdout_looks_of_all_runs": result.n_looks,
        },
    )


def _predict(
    args: TrainCnnLstm, params: CnnLstmParams, data: SeriesData, model_folder: StageFolder
) -> tuple[Values, dict[str, Any]]:
    """The test part's returns as foretold, and how much of what came lay in their intervals."""
    with model_folder.open_file(MODEL_FILE) as path:
        model = load_model(path)
    batches, scale = series_batches(data, params), data.target_scale
    val, test = data.split.val, data.split.test
    said = np.asarray(model.predict(batches.in_order(test), verbose=0)[:, 0], dtype=np.float64) * scale
    mean, deviation = predict_with_uncertainty(model, batches.in_order(test), seed=args.seed)
    val_mean, val_deviation = predict_with_uncertainty(model, batches.in_order(val), seed=args.seed)
    factor = interval_factor(data.returns(val), val_mean * scale, val_deviation * scale)
    true = data.returns(test)
    return said, {
        "factor_from_validation": factor,
        "before": coverages(true, mean * scale, deviation * scale),
        "after": coverages(true, mean * scale, deviation * scale * factor),
    }


def _predictions(result: ReturnResult, data: SeriesData) -> dict[str, Any]:
    stock = data.split.test // len(data.panel.dates)
    return {
        "date_ms": result.dates.tolist(),
        "symbol": [data.panel.symbols[place] for place in stock],
        "return": [round(float(value), 6) for value in result.true],
        "foretold": [round(float(value), 6) for value in result.said],
    }


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
        "dataset_revs": [data.panel.dataset_rev],
        "cutoff": known_until(data.panel).isoformat(),
        "n_windows": {"train": len(split.train), "val": len(split.val), "test": len(split.test)},
        "purged_size": split.purged_size,
        "target_scale": data.target_scale,
        "seed": args.seed,
        "precision": args.precision,
        "findings": [str(finding) for finding in data.panel.findings],
    }
