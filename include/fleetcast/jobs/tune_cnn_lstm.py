"""Job ``tune-cnn-lstm``: trials of a search for a better CNN+LSTM until its budget or its time is spent."""

import os
import shlex
import socket

from fleetcast.job_args.sequence import CnnLstmArgs, TrainCnnLstm, TuneCnnLstm
from fleetcast.job_args.sequence_config import CnnLstmParams, CnnLstmTraining, search_epochs
from fleetcast.sequence.cnn_lstm import build_cnn_lstm
from fleetcast.sequence.cnn_lstm_space import SPACE, params_at
from fleetcast.sequence.devices import choose_args_device
from fleetcast.sequence.fitting import (
    VALIDATION_LOSS,
    UnfitModelError,
    explaining_memory,
    plan_fit,
    score_while_fitting,
)
from fleetcast.sequence.panel_inputs import read_args_config, read_args_panel
from fleetcast.sequence.series_data import SeriesData, prepare_series, series_batches
from fleetcast.settings import StudySettings
from fleetcast.store.manifests import StageFolder, sequence_folder
from fleetcast.store.objects import Store
from fleetcast.tuning.client import StudyClient
from fleetcast.tuning.messages import OpenStudy
from fleetcast.tuning.single_study import UnfitTrialError, commit_study, search, study_request
from fleetcast.tuning.worker import RunningTrial


def run(args: TuneCnnLstm) -> None:
    """Runs trials and commits the study's artifacts; ends at once when that was done before."""
    config = read_args_config(args, CnnLstmTraining)
    panel, _ = read_args_panel(args)
    folder = search_best(args, config, prepare_series(panel, config, features=args.features))
    best = args.for_config(TrainCnnLstm, f"{folder.store.uri}/{folder.path}/best_config.json")
    print(f"train the best for longer: fleetcast {shlex.join(best.to_argv())}")


def search_best(args: CnnLstmArgs, config: CnnLstmTraining, data: SeriesData) -> StageFolder:
    """The search's folder, committed; several workers may share the search."""
    revs = (data.panel.dataset_rev,)
    folder = sequence_folder(Store(args.store), args.study_key(config, dataset_revs=revs), "study")
    if not folder.is_done():
        trial_epochs, _ = search_epochs(config.model_params.epochs, args.trial_epochs)
        request = study_request(
            "cnn-lstm",
            data=f"{args.run_key(config, dataset_revs=revs)} {trial_epochs} epochs",
            parameters=SPACE,
            direction="minimize",
            n_trials=args.n_trials,
            seed=args.seed,
        )
        _search(args, config, data, request=request, folder=folder)
    return folder


def _search(
    args: CnnLstmArgs, config: CnnLstmTraining, data: SeriesData, *, request: OpenStudy, folder: StageFolder
) -> None:
    choose_args_device(args)  # before a trial is taken that has no device to run on
    settings, params = StudySettings(), config.model_params
    _, best_epochs = search_epochs(params.epochs, args.trial_epochs)
    base = params.model_copy(update={"epochs": best_epochs})
    with StudyClient(settings.url, token=settings.require("token")) as client:
        found = search(
            client,
            request,
            lambda trial: _evaluate(args, config, data, trial=trial),
            worker=f"{socket.gethostname()}-{os.getpid()}",
            timeout_seconds=args.timeout_seconds,
        )
    commit_study(
        folder,
        found,
        title="CNN+LSTM",
        inputs={"data-0": data.panel.dataset_rev},
        best=lambda point: _configured(config, params_at(point, base)).model_dump(mode="json"),
    )


def _evaluate(args: CnnLstmArgs, config: CnnLstmTraining, data: SeriesData, *, trial: RunningTrial) -> float:
    params = params_at(trial.params, config.model_params)
    choose_args_device(args)
    batches = series_batches(data, params)
    epochs, _ = search_epochs(params.epochs, args.trial_epochs)
    plan = plan_fit(batches, data.split, epochs=epochs, patience=params.patience, seed=args.seed)
    try:
        with explaining_memory(params.batch_size):
            model = build_cnn_lstm(params, data.features.shape[-1])
            return score_while_fitting(model, plan, metric=VALIDATION_LOSS, report=trial.report)
    except UnfitModelError as exc:
        raise UnfitTrialError(str(exc)) from exc


def _configured(config: CnnLstmTraining, params: CnnLstmParams) -> CnnLstmTraining:
    return config.model_copy(update={"model_params": params})
