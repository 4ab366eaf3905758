from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

DAG_FILE = Path(__file__).parents[2] / "dags" / "remove_failed_pods.py"


def dag_ids(monkeypatch: pytest.MonkeyPatch, *, runtime: str) -> list[str]:
    monkeypatch.setenv("FLEETCAST_RUNTIME", runtime)
    bag = DagBag(str(DAG_FILE))
    assert bag.import_errors == {}
    return list(bag.dags)


def test_there_are_pods_to_remove_on_kubernetes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert dag_ids(monkeypatch, runtime="kubernetes") == ["remove_failed_pods"]
    assert dag_ids(monkeypatch, runtime="process") == []


def test_it_works_from_the_first_hour_without_anybodys_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_RUNTIME", "kubernetes")
    dag = DagBag(str(DAG_FILE)).dags["remove_failed_pods"]
    assert dag.is_paused_upon_creation is False
    assert (dag.catchup, dag.max_active_runs) == (False, 1)
    assert dag.timetable.expression == "17 * * * *"
    (remove,) = dag.tasks
    assert (remove.owner, remove.retries) == ("fleetcast", 2)
