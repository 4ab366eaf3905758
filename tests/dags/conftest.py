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
        (dags / "train_fleet.py").symlink_to(REPOSITORY / "dags" / "train_fleet.py")
        (dags / "control.py").write_text(CONTROL_DAG)
        self.environment = {
            **os.environ,
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db",
            "FLEETCAST_RUNTIME": "process",
            "FLEETCAST_STORE": self.store_uri,
            "FLEETCAST_COMMAND": f"'{sys.executable}' '{Path(__file__).with_name('stand_in_trainer.py')}'",
            "FLEETCAST_RETRIES": "0",
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs one command to its end; the output holds both streams."""
        command = [str(Path(sys.executable).with_name("airflow")), *words]
        return subprocess.run(
            command, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )

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
