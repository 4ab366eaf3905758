"""One run of the DAG, from its trigger to its end."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console

from fleetcast.data.findings import Finding
from fleetcast.errors import ServiceError
from fleetcast.local.airflow_client import AirflowClient, RunStatus
from fleetcast.local.display import FleetDisplay
from fleetcast.local.progress import FleetProgress, read_progress
from fleetcast.store.manifests import RunFolder, name_request, request_folder
from fleetcast.store.objects import Store

DAG_ID = "train_fleet"
POOL = "training"
REPORT_TASK, CLOSE_TASK, LOG_TASK = "write_report", "close", "log_runs"
PARSE_SECONDS = 60.0


class FleetRun:
    """Triggers ``train_fleet`` and follows it.

    Args:
        client: the session with Airflow.
        store: where the run's manifests are.
        environment: whose run it is.
        watch: called often; keeps the components alive.
        poll_seconds: between two looks at the run.
    """

    def __init__(
        self,
        client: AirflowClient,
        store: Store,
        *,
        environment: str,
        watch: Callable[[], None],
        poll_seconds: float = 3.0,
    ) -> None:
        self._client = client
        self._store = store
        self._environment = environment
        self._watch = watch
        self._poll_seconds = poll_seconds
        self._run_id = ""
        self._findings_are_said = False
        self._folder: RunFolder | None = None

    def trigger(self, parameters: Mapping[str, Any], *, parsed_after: str, say: Callable[[str], None]) -> None:
        """Waits for the DAG as it is now, ends what an earlier deployment left unfinished, and starts a run.

        One shard takes all cores, so one trains at a time.

        Raises:
            ServiceError: the DAG's file cannot be imported, or is not read in time.
        """
        self._await_dag(parsed_after)
        self._client.set_pool(POOL, slots=1, description="Shards that train at a time; each takes all cores.")
        for run_id in self._client.fail_unfinished_runs(DAG_ID):
            say(f"ended the unfinished run {run_id}; what it has computed is found again")
        self._client.unpause(DAG_ID)
        self._run_id = self._client.trigger(DAG_ID, parameters=parameters)

    def follow(self, console: Console) -> str | None:
        """Shows the progress until the run is over; returns why it failed, or None when it did not.

        What was found in the bars is said as soon as it is known: repairs, and remarks on what stays as it is. A run is
        over for us as soon as its report can no longer come, or is written while MLflow does not answer: Airflow tries
        that again, and nobody need wait for it.
        """
        with FleetDisplay(console) as display:
            status = self._status()
            while not (status.is_over or self._has_no_report(status) or self._waits_for_mlflow(status)):
                self._say_findings(console)
                display.update(self._progress(), stage=", ".join(status.running))
                self._pause()
                status = self._status()
            display.update(self._progress(), stage=status.state)
        if self._waits_for_mlflow(status):
            reason = self._client.last_error(DAG_ID, self._run_id, task=_log_task(status)[0])
            return f"the report is written, and MLflow lacks results: {reason}"
        return self._describe_failure(status) if status.failed or status.state == "failed" else None

    @property
    def folder(self) -> RunFolder | None:
        """Where the run's manifests are; None before its plan."""
        return self._folder

    def _say_findings(self, console: Console) -> None:
        if self._findings_are_said:
            return
        name = name_request(environment=self._environment, dag_id=DAG_ID, run_id=self._run_id)
        taken = request_folder(self._store, name).committed()
        if taken is not None:
            self._findings_are_said = True
            for finding in taken.facts["findings"]:
                console.print(f"bars: {Finding.model_validate(finding)}", markup=False, highlight=False, soft_wrap=True)

    def _await_dag(self, parsed_after: str) -> None:
        deadline = time.monotonic() + PARSE_SECONDS
        while (self._client.parsed_at(DAG_ID) or "") <= parsed_after:
            errors = self._client.import_errors()
            if errors or time.monotonic() > deadline:
                raise ServiceError(f"Airflow has not read {DAG_ID}: {errors[0] if errors else 'no file holds it'}")
            self._watch()
            time.sleep(0.3)

    def _pause(self) -> None:
        until = time.monotonic() + self._poll_seconds
        while time.monotonic() < until:
            self._watch()
            time.sleep(min(0.5, self._poll_seconds))

    def _status(self) -> RunStatus:
        """The run's status; while the API server restarts, the last known is as good as any."""
        while True:
            try:
                return self._client.run_status(DAG_ID, self._run_id)
            except ServiceError:
                self._pause()

    def _has_no_report(self, status: RunStatus) -> bool:
        return REPORT_TASK in status.lost or any(task_id == REPORT_TASK for task_id, *_ in status.failed)

    def _waits_for_mlflow(self, status: RunStatus) -> bool:
        return (
            bool(_log_task(status))
            and self._folder is not None
            and self._folder.stage("report").committed() is not None
        )

    def _progress(self) -> FleetProgress:
        if self._folder is None:
            self._folder = self._find_folder()
        return FleetProgress(0, 0, 0, 0) if self._folder is None else read_progress(self._folder)

    def _find_folder(self) -> RunFolder | None:
        try:
            run_key = self._client.xcom(DAG_ID, self._run_id, task_id="plan", key="run_key")
        except ServiceError:
            return None
        return None if run_key is None else RunFolder(self._store, run_key)

    def _describe_failure(self, status: RunStatus) -> str:
        if not status.failed:
            return f"run {self._run_id} failed: see it in Airflow"
        # The task that closes a run fails because another one did.
        task_id, map_index, _ = first = min(status.failed, key=lambda task: task[0] == CLOSE_TASK)
        where = task_id if map_index < 0 else f"{task_id} (shard {map_index})"
        return f"{where} failed: {self._client.last_error(DAG_ID, self._run_id, task=first)}"


def _log_task(status: RunStatus) -> list[tuple[str, int, int]]:
    return [task for task in status.retrying if task[0] == LOG_TASK]
