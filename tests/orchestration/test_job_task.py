import os
import subprocess
import sys
from datetime import timedelta

import pytest
from airflow.sdk import DAG

from fleetcast.job_args.fleet import ComputeFeatures, TrainVariants
from fleetcast.job_args.tuning import RunTrials
from fleetcast.orchestration.job_task import default_task_options, job_task, worker_numbers
from fleetcast.orchestration.processes import ProcessOperator


@pytest.fixture
def process_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_RUNTIME", "process")
    monkeypatch.setenv("FLEETCAST_COMMAND", "/opt/trainer/bin/fleetcast")


@pytest.mark.usefixtures("process_runtime")
def test_the_process_runtime_runs_the_trainers_command() -> None:
    operator = job_task(ComputeFeatures, arguments=["compute-features"])
    assert isinstance(operator, ProcessOperator)
    assert operator.task_id == "compute_features"
    assert operator.command == "/opt/trainer/bin/fleetcast"


def test_kubernetes_is_the_default_runtime() -> None:
    from fleetcast.orchestration.pods import PodOperator

    operator = job_task(ComputeFeatures, arguments=["compute-features"])
    assert isinstance(operator, PodOperator)
    assert operator.name == "compute-features"


@pytest.mark.usefixtures("process_runtime")
def test_shards_make_one_mapped_task_with_one_number_an_entry() -> None:
    with DAG("d", schedule=None):
        operator = job_task(TrainVariants, arguments=["train-variants"], shards=[0, 1, 2], pool="training")
    assert operator.is_mapped
    assert operator.expand_input.value == {"shard": [0, 1, 2]}
    assert operator.pool == "training"
    assert operator.map_index_template == "shard {{ task.shard }}"


@pytest.mark.usefixtures("process_runtime")
def test_workers_share_each_shard() -> None:
    with DAG("d", schedule=None):
        operator = job_task(RunTrials, arguments=["run-trials"], shards=[0, 1], workers=[0, 1, 2])
    assert operator.expand_input.value == {"shard": [0, 1], "worker": [0, 1, 2]}
    assert operator.map_index_template == "shard {{ task.shard }} worker {{ task.worker }}"


def test_the_deployment_says_how_many_workers_share_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worker_numbers() is None
    monkeypatch.setenv("FLEETCAST_WORKERS_PER_FAMILY", "3")
    assert worker_numbers() == [0, 1, 2]


def test_retries_come_from_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_RETRIES", "5")
    monkeypatch.setenv("FLEETCAST_RETRY_DELAY_SECONDS", "1.5")
    assert default_task_options() == {"owner": "fleetcast", "retries": 5, "retry_delay": timedelta(seconds=1.5)}


def test_the_process_runtime_does_not_import_the_kubernetes_client() -> None:
    code = (
        "import sys; from fleetcast.orchestration.job_task import job_task;"
        "from fleetcast.job_args.fleet import ComputeFeatures;"
        "job_task(ComputeFeatures, arguments=['x']); sys.exit('kubernetes' in sys.modules)"
    )
    environment = {**os.environ, "FLEETCAST_RUNTIME": "process"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
