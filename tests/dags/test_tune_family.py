import json
import os
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store

DAG_FILE = Path(__file__).parents[2] / "dags" / "tune_family.py"


@pytest.fixture(scope="module", params=["process", "kubernetes"])
def dag(request: pytest.FixtureRequest) -> DAG:
    """The DAG as Airflow reads it, under each runtime."""
    os.environ["FLEETCAST_RUNTIME"] = request.param
    bag = DagBag(str(DAG_FILE))
    assert bag.import_errors == {}
    assert list(bag.dags) == [DAG_FILE.stem]
    return bag.dags["tune_family"]


@pytest.fixture(scope="module")
def run(airflow: Any) -> RunFolder:
    """A run whose stage 1 is done."""
    args = FleetJobArgs(
        store=airflow.store_uri,
        dataset_rev="abcdef0123456789abcd",
        cutoff="2024-05-06T07:00:00Z",
        symbols=("btc", "eth"),
        window_bars=(5, 10),
        swing_types=("high",),
        deviations=(1.0,),
        thresholds=(0.5,),
        horizon_bars=(5,),
        n_columns=10,
        n_selection_models=1,
        feature_width="core",
    ).with_run_key()
    folder = RunFolder(Store(args.store), args.run_key)
    folder.stage("plan").commit(facts=args.model_dump(mode="json", exclude={"store"}) | {"preset": "micro"})
    folder.stage("family_bests").commit()
    return folder


def test_it_runs_when_a_person_asks_for_it(dag: DAG) -> None:
    assert dag.schedule is None
    assert {task.task_id: task.upstream_task_ids for task in dag.tasks} == {
        "plan": set(),
        "plan_family_tuning": {"plan"},
        "run_trials": {"plan", "plan_family_tuning"},
        "close_tuning": {"plan", "run_trials"},
    }
    assert dag.get_task("run_trials").is_mapped
    assert dag.get_task("run_trials").pool == "training"
    assert all(task.doc_md or task.partial_kwargs["doc_md"] for task in dag.tasks)


def test_a_family_gets_a_study_of_its_own_that_several_workers_share(airflow: Any, run: RunFolder) -> None:
    conf = {"run_key": run.run_key, "family": "eth-w10-high", "trials": 7, "workers": 2, "timeout_seconds": 60}
    for _ in range(2):
        ended = airflow.run("dags", "test", "tune_family", "--conf", json.dumps(conf))
        assert ended.returncode == 0, ended.stdout[-3000:]
        states = airflow.states("tune_family")
        assert {task_id: len(found) for task_id, found in states.items()}["run_trials"] == 2
        assert {state for found in states.values() for state in found} == {"success"}
    names = run.store.list_folders(f"{run.path}/tuning/by-hand")
    assert len(names) == 2  # what was asked for again is another study
    for name in names:
        asked = run.tuning_plan(3, by_hand=name).require().facts["asked"]
        assert (asked["family_id"], asked["n_trials"], asked["space"]) == ("eth-w10-high", 7, "broad")
        assert run.tuning_result(3, by_hand=name).committed()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"family": "eth-w10-hgih"}, "no family 'eth-w10-hgih' in this run: the nearest of its 4 is 'eth-w10-high'"),
        ({"run_key": "0" * 20}, "there is no such run; `fleetcast status` lists the runs"),
    ],
)
def test_what_does_not_exist_is_said_at_once(airflow: Any, run: RunFolder, wrong: dict[str, Any], message: str) -> None:
    conf = {"run_key": run.run_key, "family": "eth-w10-high", **wrong}
    ended = airflow.run("dags", "test", "tune_family", "--conf", json.dumps(conf))
    assert message in ended.stdout
    assert airflow.states("tune_family")["plan"] == ["failed"]
