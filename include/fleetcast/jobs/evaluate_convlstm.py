"""Job ``evaluate-convlstm``: a trained ConvLSTM on the test part, beside its baselines, and the report."""

import json
from typing import Any

import numpy as np

from fleetcast.job_args.sequence import EvaluateConvlstm, LogSequenceRun
from fleetcast.jobs import log_sequence_run
from fleetcast.sequence.baselines import Probabilities, baseline_probabilities
from fleetcast.sequence.batches import WindowBatches
from fleetcast.sequence.devices import choose_device
from fleetcast.sequence.direction_inputs import DirectionInputs, read_inputs
from fleetcast.sequence.direction_report import DirectionResult, render_direction_report
from fleetcast.sequence.direction_scores import calibration_error, draw_blocks, judge, plain
from fleetcast.sequence.model_files import MODEL_FILE, load_model
from fleetcast.store.holdout import count_looks, note_looks
from fleetcast.store.manifests import REPORT_FILE, Manifest, StageFolder
from fleetcast.store.objects import Store


def run(args: EvaluateConvlstm) -> None:
    """Looks at the test part once, writes the report and commits it; ends at once when that was done before."""
    inputs = read_inputs(args)
    store = Store(args.store)
    folder = inputs.folder(store, "evaluation")
    if not folder.is_done():
        _evaluate(args, inputs, store, folder=folder)
    print(f"report: {store.uri}/{folder.path}/{REPORT_FILE}")
    if args.mlflow:
        log_sequence_run.run(LogSequenceRun(store=args.store, run_key=inputs.run_key))


def _evaluate(args: EvaluateConvlstm, inputs: DirectionInputs, store: Store, *, folder: StageFolder) -> None:
    model_folder = inputs.folder(store, "model")
    model = model_folder.require()
    choose_device(gpu=args.gpu, cpu_fallback=True, precision=args.precision, seed=args.seed)
    note_looks(store, dataset_rev=inputs.dataset_revs[0], run_key=inputs.run_key, n_looks=1)
    probability = _predict(inputs, model_folder)
    n_looks = count_looks(store, dataset_rev=inputs.dataset_revs[0])
    result = _judge(inputs, model, probability, history=json.loads(model_folder.read("history.json")), n_looks=n_looks)
    page = render_direction_report(result, run_key=inputs.run_key, code_digest=model.code_digest)
    folder.write(REPORT_FILE, page.encode())
    folder.write("predictions.json", json.dumps(_predictions(result)).encode())
    folder.commit(inputs={"model": model.output_digest, **model.inputs}, facts=_facts(result))


def _predict(inputs: DirectionInputs, model_folder: StageFolder) -> Probabilities:
    params, data = inputs.config.model_params, inputs.data
    batches = WindowBatches(
        data.features, data.target, sequence_length=params.sequence_length, batch_size=params.batch_size
    )
    with model_folder.open_file(MODEL_FILE) as path:
        model = load_model(path)
    found = model.predict(batches.in_order(data.split.test), verbose=0)
    return np.asarray(found[:, 0], dtype=np.float64)


def _judge(
    inputs: DirectionInputs,
    model: Manifest,
    probability: Probabilities,
    *,
    history: list[dict[str, float]],
    n_looks: int,
) -> DirectionResult:
    data, ends = inputs.data, inputs.data.split.test
    blocks = draw_blocks(len(ends), seed=model.facts["seed"])
    y = data.target[ends]
    baselines = baseline_probabilities(data, ends, sequence_length=inputs.config.model_params.sequence_length)
    return DirectionResult(
        y=y,
        probability=probability,
        dates=data.panel.dates[ends],
        model=judge(y, probability, blocks),
        baselines={name: judge(y, other, blocks) for name, other in baselines.items()},
        facts=model.facts,
        history=history,
        n_looks=n_looks,
    )


def _predictions(result: DirectionResult) -> dict[str, Any]:
    return {
        "date_ms": result.dates.tolist(),
        "up": result.y.tolist(),
        "probability": [round(float(p), 6) for p in result.probability],
    }


def _facts(result: DirectionResult) -> dict[str, Any]:
    return {
        "n_days": len(result.y),
        "scores": plain(result.model.estimates),
        "calibration_error": round(calibration_error(result.y, result.probability), 6),
        "baselines": {name: plain(other.estimates) for name, other in result.baselines.items()},
        "over_baselines": {name: plain(found) for name, found in result.over_baselines().items()},
        "is_good": result.verdict().is_good,
        "recommendations": [one.advice for one in result.verdict().recommendations()],
        "holdout_looks_of_all_runs": result.n_looks,
    }
