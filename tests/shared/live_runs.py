"""Runs of the fleet's DAG in a release on a cluster."""

import time
from dataclasses import dataclass
from typing import Any

from fleetcast.errors import StoreError
from fleetcast.local.airflow_client import RunStatus
from fleetcast.orchestration.commands import JOBS, check_results, read_arguments
from fleetcast.store.manifests import RunFolder
from live_cluster import Release, wait_for
from pod_history import PodHistory

DAG = "train_fleet"
CUTOFF = "2024-09-01T00:00:00+00:00"  # so that runs of different days are the same run
MICRO = {"preset": "micro", "cutoff": CUTOFF, "variants_per_pod": 12, "seed": int(time.time())}  # never computed before


@dataclass(frozen=True)
class Run:
    """One run that has ended, and the pods that it had."""

    run_id: str
    status: RunStatus
    folder: RunFolder
    history: PodHistory


class Deployment:
    """A release with its Airflow, and what tests do with runs."""

    def __init__(self, release: Release) -> None:
        self.release = release

    def trigger(self, dag: str = DAG, **parameters: Any) -> str:
        """Starts a run."""
        wait_for(lambda: self.release.airflow().parsed_at(dag), seconds=300, what=f"the DAG {dag}")
        self.release.airflow().unpause(dag)
        return self.release.airflow().trigger(dag, parameters=parameters)

    def wait(self, run_id: str, *, seconds: float, dag: str = DAG) -> RunStatus:
        """The run's status when it is over."""

        def over() -> RunStatus | None:
            status = self.release.airflow().run_status(dag, run_id)
            return status if status.is_over else None

        return wait_for(over, seconds=seconds, what=f"run {run_id}")

    def folder(self, run_id: str, *, seconds: float = 900) -> RunFolder:
        """The run's results, once it is planned."""

        def planned() -> str | None:
            key: str | None = self.release.airflow().xcom(DAG, run_id, task_id="plan", key="run_key")
            return key

        return RunFolder(self.release.store(), wait_for(planned, seconds=seconds, what="the plan"))

    def logs(self, run_id: str, task_id: str) -> list[str]:
        """The parts of a task's logs that are in the object store."""
        store, path = self.release.store(), f"run_id={run_id}/task_id={task_id}/"
        return [store.read(part).decode() for part in store.list_objects("logs") if path in part]

    def last_errors(self, run_id: str, status: RunStatus, *, dag: str = DAG) -> dict[str, str]:
        """What the log of each failed task of a run says last; mapped tasks have their index behind the name."""

        def last_error(task: tuple[str, int, int]) -> str:
            return wait_for(
                lambda: self.release.airflow().last_error(dag, run_id, task=task), seconds=60, what=f"the log of {task}"
            )

        return {task[0] if task[1] < 0 else f"{task[0]} {task[1]}": last_error(task) for task in status.failed}

    def unbacked_successes(self, run_id: str) -> list[str]:
        """What is wrong with the tasks that are shown as a success: of each, the manifests that are missing."""
        airflow, found = self.release.airflow(), []
        self.release.store()  # the address and keys that the arguments' own store is opened with
        for task_id, map_index in airflow.successes(DAG, run_id):
            job = task_id.replace("_", "-")
            arguments = airflow.xcom(DAG, run_id, task_id="plan", key=job) if job in JOBS else None
            if arguments is None:  # a task without manifests, or the snapshot, without which there is no plan
                continue
            try:
                check_results(read_arguments(arguments, shard=map_index if map_index >= 0 else None))
            except StoreError as exc:
                found.append(str(exc))
        return found
