"""The whole file on a real Docker engine: the one that `docker info` reaches, with the images already built."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from compose import Compose, example, has_engine
from fleetcast.local.airflow_client import AirflowClient, RunStatus
from fleetcast.local.ports import HOST, choose_ports

pytestmark = pytest.mark.end_to_end
DAG = "train_fleet"
FLEETCAST = "/opt/fleetcast/trainer/package/bin/fleetcast"


class Deployment:
    """One project of the file, up and healthy."""

    def __init__(self, project: str) -> None:
        airflow, mlflow = choose_ports([0, 0])
        images = {
            name: value for name, value in os.environ.items() if name.endswith("_IMAGE") or name == "FLEETCAST_TAG"
        }
        ports = {"FLEETCAST_AIRFLOW_PORT": str(airflow), "FLEETCAST_MLFLOW_PORT": str(mlflow)}
        self.compose = Compose(project, variables={**images, **ports, "FLEETCAST_ENVIRONMENT": "local-dev"})
        self.mlflow_url = f"http://{HOST}:{mlflow}"
        self.airflow_url = f"http://{HOST}:{airflow}"

    def up(self) -> None:
        self.compose.succeed("up", "--detach", "--wait", timeout=900)

    def ask_airflow(self, question: Callable[[AirflowClient], Any], *, seconds: float) -> Any:
        """The first answer that is one; raises TimeoutError when there is none in time."""
        password = example()["FLEETCAST_AIRFLOW_PASSWORD"]
        with closing(AirflowClient(self.airflow_url, user="admin", password=password)) as client:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if answer := question(client):
                    return answer
                time.sleep(1)
        raise TimeoutError(f"nothing after {seconds} s: {self.compose.run('logs', '--tail', '20').stdout}")

    def wait_for_run(self, run_id: str, is_there: Callable[[RunStatus], bool], *, seconds: float) -> RunStatus:
        def question(client: AirflowClient) -> RunStatus | None:
            status = client.run_status(DAG, run_id)
            return status if is_there(status) else None

        status: RunStatus = self.ask_airflow(question, seconds=seconds)
        return status

    def trigger(self) -> str:
        """Starts a run with the form as it stands; returns its id."""
        self.ask_airflow(lambda client: client.parsed_at(DAG), seconds=120)
        self.ask_airflow(lambda client: client.unpause(DAG) or True, seconds=10)
        run_id: str = self.ask_airflow(lambda client: client.trigger(DAG, parameters={}), seconds=10)
        return run_id

    def last_run(self) -> dict[str, Any]:
        """What `fleetcast status` says in the scheduler's container."""
        printed = self.compose.succeed("exec", "--no-TTY", "scheduler", FLEETCAST, "status", "--json")
        run: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return run


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    if not has_engine():
        pytest.skip("no Docker engine answers `docker info`: docker-compose.yaml was read and not started")
    deployment = Deployment(f"fleetcast-test-{os.getpid()}")
    images = deployment.compose.succeed("config", "--images").split()
    missing = [
        name for name in images if subprocess.run(["docker", "image", "inspect", name], capture_output=True).returncode
    ]
    if missing:
        pytest.skip(f"images are missing, such as {missing[0]}: run `make images`")
    try:
        deployment.up()
        yield deployment
    finally:
        deployment.compose.succeed("down", "--volumes", "--timeout", "5", timeout=300)
        label = f"label=com.docker.compose.project={deployment.compose.project}"
        for kind in ("volume", "network"):
            left = subprocess.run(
                ["docker", kind, "ls", "-q", "--filter", label], capture_output=True, text=True
            ).stdout
            assert left == "", kind


def test_a_run_of_the_environments_preset_survives_a_kill_of_the_container_that_trains(deployment: Deployment) -> None:
    run_id = deployment.trigger()
    deployment.wait_for_run(run_id, lambda status: "train_variants" in status.running, seconds=600)
    assert deployment.last_run()["preset"] == "micro"
    deployment.compose.succeed("kill", "--signal", "KILL", "scheduler")
    deployment.up()
    status = deployment.wait_for_run(run_id, lambda status: status.is_over, seconds=900)
    assert status.state == "success", status
    run = deployment.last_run()
    assert (run["done"], run["n_done"], run["n_failed"]) == (True, 36, 0)
    assert "tracking" in run["stages"]


def test_models_and_report_are_in_mlflow(deployment: Deployment) -> None:
    with httpx.Client(base_url=f"{deployment.mlflow_url}/api/2.0/mlflow", timeout=30) as mlflow:
        body = {"experiment_ids": ["1"], "max_results": 100}
        runs = mlflow.post("/runs/search", json=body).raise_for_status().json()["runs"]
        assert len(runs) == 37
        (parent,) = [run for run in runs if not any(tag["key"] == "mlflow.parentRunId" for tag in run["data"]["tags"])]
        listed = mlflow.get("/artifacts/list", params={"run_id": parent["info"]["run_id"]}).raise_for_status().json()
        assert "report.html" in {file["path"] for file in listed["files"]}


def test_what_was_computed_outlives_the_containers(deployment: Deployment) -> None:
    before = deployment.last_run()
    deployment.compose.succeed("down", "--timeout", "5", timeout=300)
    deployment.up()
    assert deployment.last_run() == before
