"""What the local deployment asks of Airflow, over its public REST API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from fleetcast.errors import ServiceError

FINAL_STATES = ("success", "failed")


@dataclass(frozen=True)
class RunStatus:
    """A DAG run at one moment.

    Attributes:
        state: such as ``queued``, ``running``, ``success`` or ``failed``.
        running: the task ids at work.
        failed: (task_id, map_index, try_number) of what failed for good.
        lost: the task ids that will not run because something before them failed.
        retrying: as ``failed``, of what failed and waits for its next attempt.
    """

    state: str
    running: tuple[str, ...]
    failed: tuple[tuple[str, int, int], ...]
    lost: tuple[str, ...]
    retrying: tuple[tuple[str, int, int], ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self.state in FINAL_STATES


class AirflowClient:
    """One session with one Airflow.

    Args:
        url: its address.
        user: the login.
        password: of the user.
        transport: httpx's seam for tests.
    """

    def __init__(self, url: str, *, user: str, password: str, transport: httpx.BaseTransport | None = None) -> None:
        self._login = {"username": user, "password": password}
        self._client = httpx.Client(base_url=url, timeout=30.0, transport=transport)

    def close(self) -> None:
        """Ends the session."""
        self._client.close()

    def set_pool(self, name: str, *, slots: int, description: str) -> None:
        """Makes the pool, or changes it; deferred tasks take slots too."""
        body = {"slots": slots, "description": description, "include_deferred": True}
        if self._request("POST", "/api/v2/pools", json=body | {"name": name}, accept=(409,)).status_code == 409:
            self._request("PATCH", f"/api/v2/pools/{name}", json=body | {"pool": name})

    def parsed_at(self, dag_id: str) -> str | None:
        """When the DAG's file was last read (ISO 8601), or None when it was not."""
        response = self._request("GET", f"/api/v2/dags/{dag_id}", accept=(404,))
        return None if response.status_code == 404 else response.json()["last_parsed_time"]

    def import_errors(self) -> list[str]:
        """One line a DAG file that cannot be imported."""
        errors = self._request("GET", "/api/v2/importErrors").json()["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]

    def fail_unfinished_runs(self, dag_id: str) -> list[str]:
        """Ends the runs that an earlier deployment left unfinished; returns their ids."""
        query = {"state": ["queued", "running"], "limit": 100}
        runs = self._request("GET", f"/api/v2/dags/{dag_id}/dagRuns", params=query).json()["dag_runs"]
        for run in runs:
            self._request("PATCH", f"/api/v2/dags/{dag_id}/dagRuns/{run['dag_run_id']}", json={"state": "failed"})
        return [run["dag_run_id"] for run in runs]

    def unpause(self, dag_id: str) -> None:
        """Lets the DAG's runs start."""
        self._request("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, *, parameters: Mapping[str, Any]) -> str:
        """Starts a run; returns its id."""
        body = {"logical_date": None, "conf": dict(parameters)}
        run_id: str = self._request("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body).json()["dag_run_id"]
        return run_id

    def run_status(self, dag_id: str, run_id: str) -> RunStatus:
        """The run's state, and that of the tasks that tell something."""
        url = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"
        state = self._request("GET", url).json()["state"]
        query = {"state": ["running", "failed", "upstream_failed", "up_for_retry"], "limit": 100}
        tasks = self._request("GET", f"{url}/taskInstances", params=query).json()["task_instances"]

        def those(state: str) -> tuple[tuple[str, int, int], ...]:
            return tuple((t["task_id"], t["map_index"], t["try_number"]) for t in tasks if t["state"] == state)

        return RunStatus(
            state=state,
            running=tuple(sorted({t["task_id"] for t in tasks if t["state"] == "running"})),
            failed=those("failed"),
            lost=tuple(sorted({t["task_id"] for t in tasks if t["state"] == "upstream_failed"})),
            retrying=those("up_for_retry"),
        )

    def xcom(self, dag_id: str, run_id: str, *, task_id: str, key: str) -> Any:
        """A value that a task has left, or None while it has not."""
        url = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        response = self._request("GET", url, accept=(404,))
        return None if response.status_code == 404 else response.json()["value"]

    def last_error(self, dag_id: str, run_id: str, *, task: tuple[str, int, int]) -> str:
        """The last error in a failed task's log: (task_id, map_index, try_number)."""
        task_id, map_index, try_number = task
        url = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        content = self._request("GET", url, params={"map_index": map_index, "full_content": True}).json()["content"]
        errors = [entry for entry in content if isinstance(entry, dict) and entry.get("level") == "error"]
        details = [detail for entry in errors for detail in entry.get("error_detail") or []]
        if details:
            return str(details[0].get("exc_value") or details[0].get("exc_type"))  # behind it stand its causes
        return str(errors[-1]["event"]) if errors else "its log holds no error"

    def _request(self, method: str, path: str, *, accept: tuple[int, ...] = (), **options: Any) -> httpx.Response:
        """Asks, logging in first where the session has not or no longer; raises ServiceError on any refusal."""
        try:
            response = self._client.request(method, path, **options)
            if response.status_code == httpx.codes.UNAUTHORIZED:
                token = self._client.post("/auth/token", json=self._login).raise_for_status().json()["access_token"]
                self._client.headers["Authorization"] = f"Bearer {token}"
                response = self._client.request(method, path, **options)
        except httpx.HTTPError as exc:
            raise ServiceError(f"Airflow did not answer {method} {path}: {exc}") from exc
        if not response.is_success and response.status_code not in accept:
            raise ServiceError(f"Airflow refused {method} {path}: {response.status_code} {response.text[:300]}")
        return response
