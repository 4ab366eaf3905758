"""The light steps of the sequence models' DAGs: from a person's wish to the command line of each step."""

import json
import shlex
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from fleetcast.errors import ConfigurationError
from fleetcast.job_args import sequence
from fleetcast.job_args.base import JobArgs
from fleetcast.job_args.run_key import digest_of
from fleetcast.job_args.sequence_config import (
    CnnLstmTraining,
    ConfigPart,
    ConvLstmTraining,
    ConvLstmTuning,
    preset_config,
)
from fleetcast.orchestration.parameters import requested_cutoff
from fleetcast.orchestration.planning import check_study_service, failing_at_once, request_name
from fleetcast.orchestration.sequence_parameters import CnnLstmParameters, ConvlstmParameters, SequenceParameters
from fleetcast.settings import read_settings
from fleetcast.store.manifests import Manifest, request_folder, sequence_folder
from fleetcast.store.objects import Store

Steps = dict[str, JobArgs]
CONVLSTM_STEPS = (
    "train_baseline",
    "evaluate_baseline",
    "search_quickly",
    "search",
    "train_best",
    "evaluate_best",
    "register",
)
CNN_LSTM_STEPS = ("search", "train", "register")


def convlstm_panel(context: Mapping[str, Any], jinja_env: Any = None) -> list[str]:
    """The command line of the first job of ``train_convlstm``, made when Airflow renders the task.

    Raises:
        AirflowFailException: a parameter is wrong; a retry cannot help.
    """
    with failing_at_once():
        parameters = ConvlstmParameters.model_validate(dict(context["params"]))
        if (parameters.target == "index") != bool(parameters.index):
            raise ConfigurationError("index names the index's bars and goes with the target index, and only with it")
        return _panel(parameters, context, index=parameters.index or None)


def cnn_lstm_panel(context: Mapping[str, Any], jinja_env: Any = None) -> list[str]:
    """The same of ``train_cnn_lstm``."""
    with failing_at_once():
        return _panel(CnnLstmParameters.model_validate(dict(context["params"])), context)


def plan_convlstm(context: Mapping[str, Any]) -> list[int]:
    """Checks and plans a run of ``train_convlstm``; returns the workers of its searches.

    The command line of each step is in the XCom of its name, empty where the mode has no such step.

    Raises:
        AirflowFailException: a parameter is wrong, or a search has no study service; a retry cannot help.
    """
    with failing_at_once():
        parameters = ConvlstmParameters.model_validate(dict(context["params"]))
        steps = convlstm_steps(parameters, _taken(context), store=Store(read_settings().store))
        return _push(context, steps, names=CONVLSTM_STEPS, parameters=parameters)


def plan_cnn_lstm(context: Mapping[str, Any]) -> list[int]:
    """The same of ``train_cnn_lstm``."""
    with failing_at_once():
        parameters = CnnLstmParameters.model_validate(dict(context["params"]))
        steps = cnn_lstm_steps(parameters, _taken(context), store=Store(read_settings().store))
        return _push(context, steps, names=CNN_LSTM_STEPS, parameters=parameters)


def convlstm_steps(parameters: ConvlstmParameters, taken: Manifest, *, store: Store) -> Steps:
    """The jobs of the mode, by step.

    Raises:
        ConfigurationError: a configuration does not fit, or there is no such model to evaluate.
    """
    config = preset_config(ConvLstmTraining, parameters.preset, parameters.config)
    shared = parameters.shared() | {
        "store": store.uri,
        "dataset_rev": taken.facts["dataset_rev"],
        "index_rev": taken.facts["index_rev"],
        "target": parameters.target,
    }
    first = shared | {"config": _put(store, config)}
    baseline = sequence.TrainConvlstm(**first)
    steps: Steps = {}
    if parameters.mode in ("train", "suite"):
        steps["train_baseline"] = baseline
    if parameters.mode in ("train", "suite", "evaluate"):
        steps["evaluate_baseline"] = sequence.EvaluateConvlstm(**first)
    if parameters.mode == "evaluate":
        _check_trained(store, baseline.run_key(config, dataset_revs=baseline.taken_revs()))
    last = first
    if parameters.mode in ("tune", "suite"):
        searches = _searches(parameters, config, first, store=store)
        last = shared | {"config": _best_config(store, searches["search"], config)}
        steps |= searches
        steps |= {"train_best": sequence.TrainConvlstm(**last), "evaluate_best": sequence.EvaluateConvlstm(**last)}
    return steps | {"register": sequence.RegisterConvlstm(**last)}


def cnn_lstm_steps(parameters: CnnLstmParameters, taken: Manifest, *, store: Store) -> Steps:
    """The jobs of the mode, by step. Raises ConfigurationError when the configuration does not fit."""
    config = preset_config(CnnLstmTraining, parameters.preset, parameters.config)
    shared = parameters.shared() | {"store": store.uri, "dataset_rev": taken.facts["dataset_rev"]}
    last, steps = shared | {"config": _put(store, config)}, Steps()
    if parameters.mode == "tune":
        search = sequence.TuneCnnLstm(**last, **parameters.budget(), n_trials=parameters.trials)
        steps["search"] = search
        key = search.study_key(config, dataset_revs=search.taken_revs())
        last = shared | {"config": _best_of(store, key)}
    return steps | {"train": sequence.TrainCnnLstm(**last), "register": sequence.RegisterCnnLstm(**last)}


def _panel(parameters: SequenceParameters, context: Mapping[str, Any], *, index: str | None = None) -> list[str]:
    _check_environment()
    return sequence.TakePanel(
        store=read_settings().store,
        request=request_name(context),
        panel=parameters.panel,
        dvc_remote=parameters.dvc_remote or None,
        symbols=parameters.symbols,
        n_stocks=parameters.n_stocks,
        cutoff=requested_cutoff(parameters, context),
        index=index,
    ).to_argv()


def _taken(context: Mapping[str, Any]) -> Manifest:
    return request_folder(Store(read_settings().store), request_name(context)).require()


def _push(
    context: Mapping[str, Any], steps: Steps, *, names: tuple[str, ...], parameters: SequenceParameters
) -> list[int]:
    searches = any(name.startswith("search") for name in steps)
    if searches:
        check_study_service()
    for name in names:
        context["ti"].xcom_push(key=name, value=steps[name].to_argv() if name in steps else [])
    return list(range(parameters.workers)) if searches else []


def _searches(
    parameters: ConvlstmParameters, config: ConvLstmTraining, first: Mapping[str, Any], *, store: Store
) -> dict[str, sequence.TuneConvlstm]:
    """A suite's long search goes on with the study of its quick one, whose budget grows."""
    tuning = preset_config(ConvLstmTuning, parameters.preset, parameters.tuning)
    common = {**first, **parameters.budget(), "tuning_config": _put(store, tuning)}
    quick = parameters.quick_trials if parameters.mode == "suite" else 0
    found = {"search": sequence.TuneConvlstm(**common, n_trials=quick + parameters.trials)}
    return found | ({"search_quickly": sequence.TuneConvlstm(**common, n_trials=quick)} if quick else {})


def _best_config(store: Store, search: sequence.TuneConvlstm, config: ConvLstmTraining) -> str:
    tuning = ConvLstmTuning.model_validate_json(store.read(_path(store, search.tuning_config or "")))
    return _best_of(store, search.study_key(config, tuning, dataset_revs=search.taken_revs()))


def _best_of(store: Store, study_key: str) -> str:
    """Where the search will leave its best configuration."""
    return f"{store.uri}/{sequence_folder(store, study_key, 'study').path}/best_config.json"


def _put(store: Store, config: ConfigPart) -> str:
    """Stores a configuration under its digest, for pods that see the store alone; returns its URI."""
    content = config.model_dump(mode="json")
    path = f"sequence-configs/{digest_of(content)[:20]}.json"
    store.write(path, json.dumps(content, indent=1).encode())
    return f"{store.uri}/{path}"


def _path(store: Store, uri: str) -> str:
    return uri.removeprefix(f"{store.uri}/")


def _check_trained(store: Store, run_key: str) -> None:
    if sequence_folder(store, run_key, "model").committed() is None:
        raise ConfigurationError(
            f"no model {run_key} to evaluate in {store.uri}: none was trained with this panel, cutoff, configuration, "
            "seed and device; run the mode train first"
        )


def _check_environment(find: Callable[[str], str | None] = shutil.which) -> None:
    """A laptop may lack the sequence models' environment, which is large."""
    settings = read_settings()
    program = shlex.split(settings.sequence_command)[0]
    if settings.runtime == "process" and find(program) is None:
        raise ConfigurationError(
            f"the sequence models' environment is missing ({program}): run make sequence-environment"
        )
