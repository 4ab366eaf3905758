from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from fleetcast.errors import ConfigurationError, StoreError
from fleetcast.job_args import sequence
from fleetcast.orchestration.commands import check_results, read_arguments, result_folders
from fleetcast.orchestration.planning import request_name
from fleetcast.orchestration.sequence_parameters import CnnLstmParameters, ConvlstmParameters
from fleetcast.orchestration.sequence_planning import cnn_lstm_steps, convlstm_panel, convlstm_steps, plan_convlstm
from fleetcast.store.manifests import Manifest, request_folder, sequence_folder
from fleetcast.store.objects import Store

MakeContext = Callable[..., dict[str, Any]]
FACTS = {"dataset_rev": "0123456789abcdef0123", "index_rev": None, "cutoff": "2018-02-08T00:00:00+00:00"}


@pytest.fixture
def taken(store: Store) -> Manifest:
    """A panel's taking, as the job commits it."""
    return request_folder(store, "r").commit(facts=FACTS)


@pytest.fixture
def asked(make_context: MakeContext) -> MakeContext:
    """Makes what Airflow hands to the plan of a ConvLSTM's run."""

    def make(**params: Any) -> dict[str, Any]:
        return make_context() | {"params": ConvlstmParameters().model_dump(mode="json") | params}

    return make


def commit_search(search: sequence.TuneConvlstm) -> None:
    (folder,) = result_folders(search)
    folder.write("best_config.json", b'{"experiment_name": "best"}')
    folder.commit()


def test_every_step_of_a_suite_leaves_a_manifest_that_is_looked_for(taken: Manifest, store: Store) -> None:
    steps = convlstm_steps(ConvlstmParameters(mode="suite"), taken, store=store)
    search = steps["search"]
    assert isinstance(search, sequence.TuneConvlstm)
    commit_search(search)
    paths = [folder.path for step in steps.values() for folder in result_folders(read_arguments(step.to_argv()))]
    assert len(set(paths)) == len(paths) == 7
    assert steps["search_quickly"].n_trials == 20
    assert search.n_trials == 120  # the same study, whose budget has grown


def test_the_best_of_a_search_is_trained_as_its_configuration_says(taken: Manifest, store: Store) -> None:
    steps = convlstm_steps(ConvlstmParameters(mode="tune", preset="source"), taken, store=store)
    search, best = steps["search"], steps["train_best"]
    assert isinstance(search, sequence.TuneConvlstm)
    commit_search(search)
    (study,) = result_folders(search)
    assert isinstance(best, sequence.TrainConvlstm)
    assert best.config == f"{store.uri}/{study.path}/best_config.json"


def test_two_runs_of_the_same_have_the_same_keys_and_other_seeds_have_others(taken: Manifest, store: Store) -> None:
    def folder(**parameters: Any) -> str:
        steps = convlstm_steps(ConvlstmParameters(**parameters), taken, store=store)
        return result_folders(steps["train_baseline"])[0].path

    assert folder() == folder(workers=3, mode="suite", trials=7)
    assert len({folder(), folder(seed=1), folder(config={"model_params": {"epochs": 6}}), folder(preset="source")}) == 4


def test_a_job_that_ended_without_its_manifest_did_not_succeed(taken: Manifest, store: Store) -> None:
    args = convlstm_steps(ConvlstmParameters(), taken, store=store)["train_baseline"]
    with pytest.raises(StoreError, match="train-convlstm ended, but 1 manifests are missing, such as sequence/"):
        check_results(args)


def test_evaluation_alone_needs_a_model(taken: Manifest, store: Store) -> None:
    with pytest.raises(ConfigurationError, match=r"no model [0-9a-f]{20} to evaluate"):
        convlstm_steps(ConvlstmParameters(mode="evaluate"), taken, store=store)
    trained = convlstm_steps(ConvlstmParameters(), taken, store=store)["train_baseline"]
    result_folders(trained)[0].commit()
    assert set(convlstm_steps(ConvlstmParameters(mode="evaluate"), taken, store=store)) == {
        "evaluate_baseline",
        "register",
    }


@pytest.mark.parametrize(
    ("device", "said"), [("cpu", (False, False)), ("gpu", (True, False)), ("gpu-or-cpu", (True, True))]
)
def test_the_device_is_a_value(taken: Manifest, store: Store, device: str, said: tuple[bool, bool]) -> None:
    train = cnn_lstm_steps(CnnLstmParameters(device=device), taken, store=store)["train"]
    assert isinstance(train, sequence.TrainCnnLstm)
    assert (train.gpu, train.cpu_fallback) == said


def test_the_cutoff_is_the_end_of_the_data_interval(asked: MakeContext) -> None:
    context = asked(cutoff=None)
    args = read_arguments(convlstm_panel(context))
    assert isinstance(args, sequence.TakePanel)
    assert args.cutoff == context["dag_run"].run_after
    assert args.request == request_name(context)


def test_a_search_without_the_study_service_fails_in_the_plan(
    asked: MakeContext, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEETCAST_RUNTIME", "process")
    monkeypatch.delenv("FLEETCAST_STUDIES_URL", raising=False)
    context = asked(mode="suite")
    request_folder(store, request_name(context)).commit(facts=FACTS)
    with pytest.raises(AirflowFailException, match="tuning needs the study service"):
        plan_convlstm(context)


def test_a_laptop_without_the_environment_is_told_how_to_make_it(
    asked: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEETCAST_RUNTIME", "process")
    monkeypatch.setenv("FLEETCAST_SEQUENCE_COMMAND", "/nowhere/fleetcast")
    with pytest.raises(AirflowFailException, match=r"\(/nowhere/fleetcast\): run make sequence-environment"):
        convlstm_panel(asked())


def test_a_model_is_of_its_study_and_not_of_another(taken: Manifest, store: Store) -> None:
    steps = cnn_lstm_steps(CnnLstmParameters(mode="tune", trials=7), taken, store=store)
    (study,) = result_folders(steps["search"])
    assert sequence_folder(store, study.key, "study").path == study.path
    assert f"{study.path}/best_config.json" in steps["train"].to_argv()[steps["train"].to_argv().index("--config") + 1]
