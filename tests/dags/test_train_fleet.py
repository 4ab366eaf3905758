import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store

DAG_FILE = Path(__file__).parents[2] / "dags" / "train_fleet.py"
HEAVY = ("numpy", "pandas", "polars", "sklearn", "lightgbm", "mlflow", "talib", "matplotlib", "optuna")
TASKS = {
    "take_snapshot": set(),
    "plan": {"take_snapshot"},
    "certify_features": {"plan"},
    "compute_features": {"plan", "certify_features"},
    "label_events": {"plan"},
    "select_columns": {"plan", "compute_features", "label_events"},
    "train_variants": {"plan", "select_columns"},
    "choose_family_bests": {"plan", "train_variants"},
    "write_ledger": {"plan", "choose_family_bests", "judge_holdout"},
    "write_report": {"plan", "choose_family_bests", "train_production"},
    "log_runs": {"plan", "select_columns"},
    "close": {"train_variants", "choose_family_bests", "write_report"},
    "tunes": {"plan"},
    "tune_2.plan_tuning": {"plan", "tunes", "choose_family_bests"},
    "tune_2.run_trials": {"plan", "tunes", "tune_2.plan_tuning"},
    "tune_2.close_tuning": {"plan", "tunes", "tune_2.run_trials"},
    "tune_3.plan_tuning": {"plan", "tunes", "tune_2.close_tuning"},
    "tune_3.run_trials": {"plan", "tunes", "tune_3.plan_tuning"},
    "tune_3.close_tuning": {"plan", "tunes", "tune_3.run_trials"},
    "tune_4.plan_tuning": {"plan", "tunes", "tune_3.close_tuning"},
    "tune_4.run_trials": {"plan", "tunes", "tune_4.plan_tuning"},
    "tune_4.close_tuning": {"plan", "tunes", "tune_4.run_trials"},
    "judge_holdout": {"plan", "tunes", "tune_4.close_tuning"},
    "select_production_columns": {"plan", "tunes", "judge_holdout"},
    "train_production": {"plan", "tunes", "select_production_columns"},
    "register_models": {"plan", "tunes", "train_production", "write_ledger"},
}
TRIALS = [f"tune_{stage}.run_trials" for stage in (2, 3, 4)]
TUNING = {
    "judge_holdout",
    "select_production_columns",
    "train_production",
    "register_models",
    *(task_id for task_id in TASKS if task_id.startswith("tune_")),
}


@pytest.fixture(scope="module", params=["process", "kubernetes"])
def dag(request: pytest.FixtureRequest) -> DAG:
    """The DAG as Airflow reads it, under each runtime."""
    os.environ["FLEETCAST_RUNTIME"] = request.param
    bag = DagBag(str(DAG_FILE))
    assert bag.import_errors == {}
    return bag.dags["train_fleet"]


def test_the_file_is_named_after_its_only_dag_and_short() -> None:
    assert list(DagBag(str(DAG_FILE)).dags) == [DAG_FILE.stem]
    assert len(DAG_FILE.read_text().splitlines()) <= 120


def test_the_jobs_stand_in_their_order(dag: DAG) -> None:
    assert {task.task_id: task.upstream_task_ids for task in dag.tasks} == TASKS


def test_the_report_does_not_wait_for_mlflow(dag: DAG) -> None:
    before = dag.get_task("write_report").get_flat_relative_ids(upstream=True)
    assert not before & {"log_runs", "register_models"}


def test_every_task_has_an_owner_retries_and_documentation(dag: DAG) -> None:
    for task in dag.tasks:
        assert task.owner == "fleetcast"
        assert task.retries == 2
        assert task.retry_delay == timedelta(seconds=30)
        assert task.doc_md or task.partial_kwargs["doc_md"]
    assert dag.doc_md
    assert {"fleet", "training"} <= set(dag.tags)


def test_shards_are_capped_by_a_pool_of_their_own(dag: DAG) -> None:
    mapped = ["train_variants", *TRIALS, "train_production"]
    assert {task.task_id: task.pool for task in dag.tasks if task.pool != "default_pool"} == dict.fromkeys(
        mapped, "training"
    )
    assert [task.task_id for task in dag.tasks if task.is_mapped] == mapped


def test_one_run_at_a_time_weekly_and_none_made_up_for(dag: DAG) -> None:
    assert (dag.max_active_runs, dag.catchup, dag.start_date) == (1, False, None)
    assert dag.timetable.expression == "0 6 * * 1"


@pytest.mark.parametrize("runtime", ["process", "kubernetes"])
def test_reading_the_file_imports_nothing_heavy(runtime: str) -> None:
    code = f"import sys, runpy; runpy.run_path({str(DAG_FILE)!r}); print(*sys.modules)"
    environment = {**os.environ, "FLEETCAST_RUNTIME": runtime}
    output = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    imported = set(output.stdout.split())
    assert "fleetcast.orchestration.job_task" in imported
    assert not imported & set(HEAVY)
    assert ("kubernetes" in imported) == (runtime == "kubernetes")


def test_unpausing_starts_no_run(airflow: Any) -> None:
    for dag_id in ("train_fleet", "control"):
        assert airflow.run("dags", "unpause", dag_id, "--yes").returncode == 0
    before = airflow.query("SELECT count(*) FROM dag_run WHERE dag_id = 'train_fleet'")
    airflow.run("scheduler", "--num-runs", "3", "--skip-serve-logs")
    assert airflow.query("SELECT count(*) FROM dag WHERE NOT is_paused") == [(2,)]
    assert airflow.query("SELECT run_type FROM dag_run WHERE dag_id = 'control'") == [("scheduled",)]
    assert airflow.query("SELECT count(*) FROM dag_run WHERE dag_id = 'train_fleet'") == before


def test_a_backfill_makes_one_run_a_week_whose_data_interval_ends_at_its_time(airflow: Any) -> None:
    dates = ("--from-date", "2024-10-01", "--to-date", "2024-10-31")
    created = airflow.run("backfill", "create", "--dag-id", "train_fleet", *dates)
    assert created.returncode == 0, created.stdout
    runs = airflow.query(
        "SELECT logical_date, data_interval_end FROM dag_run "
        "WHERE dag_id = 'train_fleet' AND run_type = 'backfill' ORDER BY logical_date"
    )
    mondays = [datetime(2024, 10, day, 6, tzinfo=UTC) for day in (7, 14, 21, 28)]
    assert [datetime.fromisoformat(str(end)).replace(tzinfo=UTC) for _, end in runs] == mondays
    assert all(logical_date == end for logical_date, end in runs)


def test_a_run_passes_one_plan_to_every_job(airflow: Any) -> None:
    conf = {"preset": "micro", "variants_per_pod": 16, "window_bars": [7], "cutoff": "2024-05-06T07:00:00Z", "seed": 3}
    ended = airflow.run("dags", "test", "train_fleet", "--conf", json.dumps(conf))
    assert ended.returncode == 0, ended.stdout[-3000:]
    store = Store(airflow.store_uri)
    (run_key,) = store.list_folders("runs")
    run = RunFolder(store, run_key)
    plan = run.stage("plan").require().facts
    assert plan["cutoff"] == "2024-05-06T07:00:00Z"
    assert (plan["seed"], plan["window_bars"], plan["n_shards"]) == (3, [7], 3)
    assert len(run.committed_variants()) == plan["n_variants"] == 36
    shards = [run.variant(variant_id).require().facts["shard"] for variant_id in run.committed_variants()]
    assert sorted(set(shards)) == [0, 1, 2]
    assert run.stage("report").committed()
    assert run.stage("tracking").committed()
    labels = "SELECT rendered_map_index FROM task_instance WHERE map_index >= 0 ORDER BY map_index"
    assert airflow.query(labels) == [("shard 0",), ("shard 1",), ("shard 2",)]
    states = airflow.states("train_fleet")
    assert {task_id for task_id, found in states.items() if found == ["skipped"]} == TUNING
    assert {state for task_id, found in states.items() if task_id not in TUNING for state in found} == {"success"}


def test_a_run_that_tunes_goes_on_to_registered_models_and_then_to_its_report(airflow: Any) -> None:
    before = set(Store(airflow.store_uri).list_folders("runs"))
    conf = {"preset": "micro", "window_bars": [7, 8], "tune": True, "tuning_trials": 3, "families_per_pod": 4}
    ended = airflow.run("dags", "test", "train_fleet", "--conf", json.dumps(conf))
    assert ended.returncode == 0, ended.stdout[-3000:]
    states = airflow.states("train_fleet")
    assert set(states) == set(TASKS)
    assert {state for found in states.values() for state in found} == {"success"}
    # six families in two shards, and two workers to each of the trials' shards
    assert {task_id: len(states[task_id]) for task_id in (*TRIALS, "train_production")} == {
        **dict.fromkeys(TRIALS, 4),
        "train_production": 2,
    }
    (run_key,) = set(Store(airflow.store_uri).list_folders("runs")) - before
    run = RunFolder(Store(airflow.store_uri), run_key)
    facts = run.stage("plan").require().facts
    assert (facts["tune"], facts["tuning_trials"], facts["tuning_space"]) == (True, 3, "broad")
    assert len(run.tuning_plan(3).require().facts["studies"]) == 6
    assert run.stage("registration").committed()
    assert run.stage("report").committed()


def test_a_run_whose_trials_fail_has_no_report_and_is_noted(airflow: Any) -> None:
    before = set(Store(airflow.store_uri).list_folders("runs"))
    conf = {"preset": "micro", "window_bars": [17], "tune": True}
    airflow.run("dags", "test", "train_fleet", "--conf", json.dumps(conf))
    states = airflow.states("train_fleet")
    assert states["tune_2.run_trials"] == ["failed", "failed"]
    assert states["register_models"] == states["write_report"] == ["upstream_failed"]
    (run_key,) = set(Store(airflow.store_uri).list_folders("runs")) - before
    run = RunFolder(Store(airflow.store_uri), run_key)
    ((run_id,),) = airflow.query("SELECT run_id FROM dag_run WHERE dag_id = 'train_fleet' ORDER BY id DESC LIMIT 1")
    assert run.has_ended(run_id)
    assert run.stage("family_bests").committed()
    assert run.stage("report").committed() is None


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"bars": "/unreadable"}, "take-snapshot: no bars at /unreadable"),
        ({"windows": [5]}, "windows: Extra inputs are not permitted"),
    ],
)
def test_a_run_that_cannot_succeed_fails_with_one_clear_line(airflow: Any, conf: dict[str, Any], message: str) -> None:
    ended = airflow.run("dags", "test", "train_fleet", "--conf", json.dumps(conf))
    assert message in ended.stdout
    (state,) = airflow.query("SELECT state FROM dag_run WHERE dag_id = 'train_fleet' ORDER BY id DESC LIMIT 1")
    assert state == ("failed",)


def test_a_run_whose_training_fails_is_noted_so_that_nobody_waits_for_its_report(airflow: Any) -> None:
    before = set(Store(airflow.store_uri).list_folders("runs"))
    conf = {"preset": "micro", "window_bars": [13], "cutoff": "2024-05-06T07:00:00Z"}
    airflow.run("dags", "test", "train_fleet", "--conf", json.dumps(conf))
    query = "SELECT run_id, state FROM dag_run WHERE dag_id = 'train_fleet' ORDER BY id DESC LIMIT 1"
    ((run_id, state),) = airflow.query(query)
    assert state == "failed"
    assert airflow.states("train_fleet")["write_report"] == ["upstream_failed"]
    store = Store(airflow.store_uri)
    (run_key,) = set(store.list_folders("runs")) - before
    assert RunFolder(store, run_key).has_ended(str(run_id))
