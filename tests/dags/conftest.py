"""Airflow as it is deployed, on a database of the tests' own; DAG files are run as Airflow runs them."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_home import make_airflow_home

REPOSITORY = Path(__file__).parents[2]
make_airflow_home()

# A DAG that unpausing does start: it shows that the scheduler would have started the fleet's run as well.
CONTROL_DAG = """
from airflow.sdk import CronTriggerTimetable, dag, task

@dag(dag_id="control", schedule=CronTriggerTimetable("0 6 * * 1", timezone="UTC", run_immediately=True), catchup=False)
def control():
    @task
    def nothing(): ...
    nothing()
control()
"""


class Airflow:
    """Airflow's command line with a database, a store and a stand-in for the trainer in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store_uri = (folder / "store").as_uri()
        dags = folder / "dags"
        dags.mkdir()
        for name in ("train_fleet.py", "tune_family.py", "train_convlstm.py", "train_cnn_lstm.py"):
            (dags / name).symlink_to(REPOSITORY / "dags" / name)
        (dags / "control.py").write_text(CONTROL_DAG)
        trainer = f"'{sys.executable}' '{Path(__file__).with_name('stand_in_trainer.py')}'"
        self.environment = {
            **os.environ,
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            # One worker: of several, one that ends before it was asked to takes another's message, which then waits
            # for ever (LocalExecutor.end, Airflow 3.3).
            "AIRFLOW__CORE__PARALLELISM": "1",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db",
            "FLEETCAST_RUNTIME": "process",
            "FLEETCAST_STORE": self.store_uri,
            "FLEETCAST_COMMAND": trainer,
            "FLEETCAST_SEQUENCE_COMMAND": trainer,
            "FLEETCAST_RETRIES": "0",
            "FLEETCAST_STUDIES_URL": "http://127.0.0.1:9",
            "FLEETCAST_STUDIES_TOKEN": "a token",
            "FLEETCAST_WORKERS_PER_FAMILY": "2",
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs one command to its end; the output holds both streams."""
        command = [str(Path(sys.executable).with_name("airflow")), *words]
        return subprocess.run(
            command, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )

    def states(self, dag_id: str) -> dict[str, list[str]]:
        """Of the last run's tasks, by task, a mapped one's in the order of its entries."""
        rows = self.query(
            "SELECT task_id, state FROM task_instance WHERE run_id = (SELECT run_id FROM dag_run "
            f"WHERE dag_id = '{dag_id}' ORDER BY id DESC LIMIT 1) AND dag_id = '{dag_id}' ORDER BY task_id, map_index"
        )
        found: dict[str, list[str]] = {}
        for task_id, state in rows:
            found.setdefault(str(task_id), []).append(str(state))
        return found

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Reads Airflow's database."""
        with sqlite3.connect(self.folder / "airflow.db") as connection:
            return connection.execute(statement).fetchall()


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """One Airflow for the session, with the DAGs in its database, all paused."""
    deployed = Airflow(tmp_path_factory.mktemp("airflow"))
    for words in (("db", "migrate"), ("dags", "reserialize")):
        ended = deployed.run(*words)
        if ended.returncode != 0:
            raise RuntimeError(f"airflow {' '.join(words)}: {ended.stdout[-2000:]}")
    return deployed
