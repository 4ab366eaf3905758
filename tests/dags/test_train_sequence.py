import json
import os
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, CronTriggerTimetable

from fleetcast.store.objects import Store

DAGS = Path(__file__).parents[2] / "dags"
STEPS = {
    "train_convlstm": [
        "take_panel",
        "plan",
        "train_baseline",
        "evaluate_baseline",
        "search_quickly",
        "search",
        "train_best",
        "evaluate_best",
        "register",
    ],
    "train_cnn_lstm": ["take_panel", "plan", "search", "train", "register"],
}
OF_MODE = {
    "train": {"train_baseline", "evaluate_baseline", "register"},
    "tune": {"search", "train_best", "evaluate_best", "register"},
    "evaluate": {"evaluate_baseline", "register"},
    "suite": {*STEPS["train_convlstm"]},
}


@pytest.fixture(params=[(dag_id, runtime) for dag_id in STEPS for runtime in ("process", "kubernetes")])
def dag(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> DAG:
    """Either DAG as Airflow reads it, under each runtime."""
    dag_id, runtime = request.param
    monkeypatch.setitem(os.environ, "FLEETCAST_RUNTIME", runtime)
    bag = DagBag(str(DAGS / f"{dag_id}.py"))
    assert bag.import_errors == {}
    return bag.dags[dag_id]


def test_steps_follow_each_other_and_a_skipped_one_stops_none(dag: DAG) -> None:
    names = STEPS[dag.dag_id]
    assert [task.task_id for task in dag.topological_sort()] == names
    for name in names[2:]:
        task = dag.get_task(name)
        assert task.trigger_rule == "none_failed"
        assert names[names.index(name) - 1] in task.upstream_task_ids
    assert all(task.doc_md or task.partial_kwargs["doc_md"] for task in dag.tasks)


@pytest.mark.parametrize("dag", [(dag_id, "kubernetes") for dag_id in STEPS], indirect=True)
def test_models_compute_in_the_gpu_pool_with_their_own_image(dag: DAG) -> None:
    options = dag.get_task("search").partial_kwargs
    assert options["image"] == "fleetcast-sequence:latest"
    assert dag.get_task("register").image == "fleetcast-sequence:latest"
    assert dag.get_task("take_panel").image == "fleetcast-trainer:latest"


def test_it_can_be_backfilled_and_unpausing_starts_nothing(dag: DAG) -> None:
    assert isinstance(dag.schedule, CronTriggerTimetable)
    assert dag.catchup is False
    assert "data interval" in dag.params.get_param("cutoff").description


def run_dag(airflow: Any, dag_id: str, **conf: Any) -> dict[str, list[str]]:
    ended = airflow.run("dags", "test", dag_id, "--conf", json.dumps(conf))
    states: dict[str, list[str]] = airflow.states(dag_id)
    assert states, ended.stdout[-3000:]
    return states


@pytest.mark.parametrize("mode", ["train", "evaluate", "tune", "suite"])
def test_a_mode_runs_its_steps_and_skips_the_others(airflow: Any, mode: str) -> None:
    states = run_dag(airflow, "train_convlstm", mode=mode, workers=2)
    succeeded = {task_id for task_id, found in states.items() if set(found) == {"success"}}
    skipped = {task_id for task_id, found in states.items() if set(found) == {"skipped"}}
    assert succeeded == {"take_panel", "plan", *OF_MODE[mode]}
    assert skipped == {*STEPS["train_convlstm"]} - succeeded
    assert len(states["search"]) == (2 if mode in ("tune", "suite") else 1)


def test_a_search_of_the_cnn_lstm_trains_its_best(airflow: Any) -> None:
    states = run_dag(airflow, "train_cnn_lstm", mode="tune", workers=3, config={"experiment_name": "own"})
    assert {state for found in states.values() for state in found} == {"success"}
    assert len(states["search"]) == 3
    store = Store(airflow.store_uri)
    studies = [path for path in store.list_objects("sequence") if path.endswith("study/best_config.json")]
    assert all(json.loads(store.read(path))["experiment_name"] == "best" for path in studies)


@pytest.mark.parametrize(
    ("conf", "task", "message"),
    [
        ({"config": {"model_params": {"epochs": 0}}}, "plan", "model_params.epochs: Input should be greater than"),
        ({"target": "index"}, "take_panel", "index names the index's bars and goes with the target index"),
        ({"mode": "evaluate", "seed": 4711}, "plan", "run the mode train first"),
        ({"seed": 13}, "train_baseline", "a panel that cannot be trained on"),
    ],
)
def test_what_no_retry_mends_is_said_once(airflow: Any, conf: dict[str, Any], task: str, message: str) -> None:
    ended = airflow.run("dags", "test", "train_convlstm", "--conf", json.dumps(conf))
    assert message in ended.stdout
    states = airflow.states("train_convlstm")
    assert states[task] == ["failed"]
    assert states["register"] == ["upstream_failed"]
