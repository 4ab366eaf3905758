"""Job ``tune-convlstm``: trials of a search for a better ConvLSTM until its budget or its time is spent."""

import json
import os
import shlex
import socket

from fleetcast.job_args.sequence import TrainConvlstm, TuneConvlstm
from fleetcast.job_args.sequence_config import ConvLstmTuning, parse_config, search_epochs
from fleetcast.sequence.batches import WindowBatches
from fleetcast.sequence.convlstm import MONITOR, build_convlstm
from fleetcast.sequence.convlstm_space import flat_space, params_at
from fleetcast.sequence.devices import choose_args_device
from fleetcast.sequence.direction_inputs import DirectionInputs, read_inputs
from fleetcast.sequence.fitting import UnfitModelError, explaining_memory, plan_fit, score_while_fitting
from fleetcast.settings import StudySettings
from fleetcast.store.manifests import StageFolder, sequence_folder
from fleetcast.store.objects import Store
from fleetcast.store.texts import read_text
from fleetcast.tuning.client import StudyClient
from fleetcast.tuning.messages import OpenStudy
from fleetcast.tuning.single_study import UnfitTrialError, commit_study, search, study_request
from fleetcast.tuning.worker import RunningTrial

OBJECTIVE = "val_f1_score"  # the macro average: always saying up has at most one half


def run(args: TuneConvlstm) -> None:
    """Runs trials and commits the study's artifacts; ends at once when that was done before."""
    best = args.for_config(TrainConvlstm, search_best(args))
    print(f"train the best for longer: fleetcast {shlex.join(best.to_argv())}")


def search_best(args: TuneConvlstm) -> str:
    """The same; returns where the best configuration lies."""
    inputs = read_inputs(args)
    tuning = parse_config(
        ConvLstmTuning,
        "{}" if args.tuning_config is None else read_text(args.tuning_config),
        where=args.tuning_config or "the arguments",
    )
    request = _request(args, inputs, tuning)
    key = args.study_key(inputs.config, tuning, dataset_revs=inputs.dataset_revs)
    folder = sequence_folder(Store(args.store), key, "study")
    if not folder.is_done():
        _tune(args, inputs, request, folder=folder)
    found = folder.require().facts
    n_complete, best = found["n_by_state"]["complete"], found["best_trials"][0]["value"]
    print(f"best of {n_complete} completed trials ({found['n_trials']} were asked for): {OBJECTIVE} {best:.4f}")
    return f"{folder.store.uri}/{folder.path}/best_config.json"


def _request(args: TuneConvlstm, inputs: DirectionInputs, tuning: ConvLstmTuning) -> OpenStudy:
    trial_epochs, _ = search_epochs(inputs.config.model_params.epochs, args.trial_epochs)
    return study_request(
        "convlstm",
        data=f"{inputs.run_key} {trial_epochs} epochs",
        parameters=flat_space(tuning.hyperparameter_space),
        direction=tuning.optimization.direction,
        n_trials=args.n_trials or tuning.optimization.n_trials,
        seed=args.seed,
        starts=[json.loads(read_text(args.starts))] if args.starts else (),
    )


def _tune(args: TuneConvlstm, inputs: DirectionInputs, request: OpenStudy, *, folder: StageFolder) -> None:
    choose_args_device(args)  # before a trial is taken that has no device to run on
    settings = StudySettings()
    params = inputs.config.model_params
    _, best_epochs = search_epochs(params.epochs, args.trial_epochs)
    base = params.model_copy(update={"epochs": best_epochs})
    with StudyClient(settings.url, token=settings.require("token")) as client:
        found = search(
            client,
            request,
            lambda trial: _evaluate(args, inputs, trial),
            worker=f"{socket.gethostname()}-{os.getpid()}",
            timeout_seconds=args.timeout_seconds,
        )
    commit_study(
        folder,
        found,
        title="ConvLSTM",
        inputs={f"data-{i}": rev for i, rev in enumerate(inputs.dataset_revs)},
        best=lambda point: inputs.config.model_copy(update={"model_params": params_at(point, base)}).model_dump(
            mode="json"
        ),
    )


def _evaluate(args: TuneConvlstm, inputs: DirectionInputs, trial: RunningTrial) -> float:
    params, data = params_at(trial.params, inputs.config.model_params), inputs.data
    choose_args_device(args)
    batches = WindowBatches(
        data.features, data.target, sequence_length=params.sequence_length, batch_size=params.batch_size
    )
    epochs, _ = search_epochs(params.epochs, args.trial_epochs)
    plan = plan_fit(batches, data.split, epochs=epochs, patience=params.patience, seed=args.seed, monitor=MONITOR)
    try:
        with explaining_memory(params.batch_size):
            model = build_convlstm(params, data.input_shape)
            return score_while_fitting(model, plan, metric=OBJECTIVE, report=trial.report)
    except UnfitModelError as exc:
        raise UnfitTrialError(str(exc)) from exc
