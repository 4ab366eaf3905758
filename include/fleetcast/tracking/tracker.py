"""The door to MLflow: one experiment's runs, found again by their key, written in three calls each.

A run costs ``create_run`` with all its tags, one ``log_batch`` with all its parameters and metrics, and one update
that ends it. Nothing is retried inside MLflow's client: a request that was served but not answered would be sent
again and leave two runs. Who calls looks the key up first instead.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import requests
from mlflow.entities import Experiment, Metric, Param, Run, RunTag
from mlflow.environment_variables import (
    MLFLOW_DISABLE_TELEMETRY,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES,
    MLFLOW_HTTP_REQUEST_TIMEOUT,
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT,
)
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

from fleetcast.errors import ConfigurationError, ServiceError
from fleetcast.tracking.records import KEY_TAG, KIND_TAG, RunRecord
from fleetcast.tracking.target import TrackingTarget

REQUEST_TIMEOUT_SECONDS = 30
PAGE_SIZE = 500
BATCH_SIZE = 1000  # metrics that one request may hold
PARENT_TAG = "mlflow.parentRunId"
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}  # MLflow's pages for models, not for chats
SERVER_ARTIFACTS = "mlflow-artifacts:"

# What MLflow says when asking again cannot help.
REFUSALS = frozenset(
    {
        "PERMISSION_DENIED",
        "CUSTOMER_UNAUTHORIZED",
        "UNAUTHENTICATED",
        "ENDPOINT_NOT_FOUND",
        "INVALID_PARAMETER_VALUE",
        "NOT_IMPLEMENTED",
    }
)
OUTAGES = ("Connection refused", "timed out", "Connection reset", "Connection aborted", "Name or service not known")


@dataclass(frozen=True)
class FoundRun:
    """What is known of a run in MLflow."""

    run_id: str
    key: str
    started_at_ms: int
    is_finished: bool
    parent_run_id: str | None
    tags: Mapping[str, str]


class Tracker:
    """The runs of one experiment.

    Args:
        target: which MLflow and which experiment.
        now_ms: the clock, milliseconds since the epoch.
        page_size: runs that one request of a search brings.
        task: of the DAG, whose user reads what went wrong.
    """

    def __init__(
        self,
        target: TrackingTarget,
        *,
        now_ms: Callable[[], int],
        page_size: int = PAGE_SIZE,
        task: str = "log_runs",
    ) -> None:
        self.target = target
        self.task = task
        self.experiment_id = ""
        self._now_ms = now_ms
        self._page_size = page_size
        self._client: MlflowClient | None = None

    @property
    def client(self) -> MlflowClient:
        """MLflow's own client. Raises ServiceError before `open`."""
        if self._client is None:
            raise ServiceError(f"MLflow at {self.target.shown_uri} was not opened: call open first")
        return self._client

    def open(self) -> None:
        """Connects, and finds or makes the experiment.

        Raises:
            ServiceError: MLflow does not answer.
            ConfigurationError: MLflow refuses, or the experiment cannot be used from here.
        """
        _calm_mlflow()
        with self.asking("open the experiment"):
            self._client = MlflowClient(tracking_uri=self.target.uri)
            experiment = self._client.get_experiment_by_name(self.target.experiment_name) or self._make_experiment()
        if experiment.lifecycle_stage != "active":
            raise ConfigurationError(
                f"experiment {self.target.experiment_name!r} in MLflow at {self.target.shown_uri} was deleted: "
                "restore it (`mlflow experiments restore`) or give another --experiment-name"
            )
        if experiment.artifact_location.startswith(SERVER_ARTIFACTS) and not self.target.is_server:
            raise ConfigurationError(
                f"experiment {self.target.experiment_name!r} in {self.target.shown_uri} keeps its artifacts behind an "
                "MLflow server: give that server's http address as tracking URI"
            )
        self.experiment_id = experiment.experiment_id

    def create(self, record: RunRecord, *, parent_run_id: str | None = None) -> FoundRun:
        """A new run that holds the record's tags, and nothing else yet."""
        started_at_ms = self._now_ms() - round(record.seconds * 1000)
        tags = dict(record.tags) | ({PARENT_TAG: parent_run_id} if parent_run_id else {})
        with self.asking(f"create run {record.name}"):
            run = self.client.create_run(self.experiment_id, start_time=started_at_ms, tags=tags, run_name=record.name)
        return FoundRun(run.info.run_id, record.key, started_at_ms, False, parent_run_id, tags)

    def finish(self, run: FoundRun, record: RunRecord) -> FoundRun:
        """Logs the record's parameters and metrics in one batch and ends the run.

        Done again it changes nothing: metrics carry the run's start as their time, so MLflow knows them.
        """
        self.log(run, parameters=record.parameters, metrics=record.metrics)
        with self.asking(f"end run {record.name}"):
            self.client.set_terminated(
                run.run_id, status="FINISHED", end_time=run.started_at_ms + round(record.seconds * 1000)
            )
        return replace(run, is_finished=True)

    def log(
        self,
        run: FoundRun,
        *,
        parameters: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        model_id: str | None = None,
    ) -> None:
        """Logs one batch: parameters, metrics (of the run, and of the model if one is named) and tags."""
        batch = {
            "params": [Param(name, value) for name, value in (parameters or {}).items()],
            "metrics": [
                Metric(name, value, run.started_at_ms, 0, model_id=model_id) for name, value in (metrics or {}).items()
            ],
            "tags": [RunTag(name, value) for name, value in (tags or {}).items()],
        }
        with self.asking(f"log to run {run.run_id}"):
            self.client.log_batch(run.run_id, **batch)

    def log_history(self, run: FoundRun, history: Sequence[Mapping[str, float]]) -> None:
        """Logs metrics step by step, from 1; done again it changes nothing."""
        points = [
            Metric(name, value, run.started_at_ms, step)
            for step, row in enumerate(history, start=1)
            for name, value in row.items()
        ]
        for at in range(0, len(points), BATCH_SIZE):
            with self.asking(f"log to run {run.run_id}"):
                self.client.log_batch(run.run_id, metrics=points[at : at + BATCH_SIZE])

    def end(self, run: FoundRun) -> None:
        """Ends the run now."""
        with self.asking(f"end run {run.run_id}"):
            self.client.set_terminated(run.run_id, status="FINISHED", end_time=self._now_ms())

    def log_page(self, run: FoundRun, name: str, *, text: str) -> None:
        """Stores a text as the run's artifact, over an earlier one too."""
        with self.asking(f"store {name}"):
            self.client.log_text(run.run_id, text, name)

    def find(self, key: str) -> list[FoundRun]:
        """The runs with this key, the oldest first: none, one, or more when a request was served and not answered."""
        return _oldest_first(self._search(f"tags.`{KEY_TAG}` = '{key}'"))

    def find_all(self, run_key: str, *, kind: str) -> list[FoundRun]:
        """The runs of one fleet, the oldest first.

        MLflow sends every run's metrics along, so this costs seconds for a whole fleet: ask once.
        """
        return _oldest_first(self._search(f"tags.run_key = '{run_key}' AND tags.`{KIND_TAG}` = '{kind}'"))

    def tags_of(self, run: FoundRun) -> Mapping[str, str]:
        """The run's tags as they are now."""
        with self.asking(f"read run {run.run_id}"):
            tags: Mapping[str, str] = self.client.get_run(run.run_id).data.tags
        return tags

    def delete(self, run: FoundRun) -> None:
        """Moves the run to MLflow's trash."""
        with self.asking(f"delete run {run.run_id}"):
            self.client.delete_run(run.run_id)

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Turns what MLflow's client raises into our errors, with where and what to do."""
        try:
            yield
        except (MlflowException, requests.RequestException, SQLAlchemyError, OSError) as exc:
            reason = _reason(exc).replace(self.target.uri, self.target.shown_uri)
            if getattr(exc, "error_code", None) in REFUSALS:
                raise ConfigurationError(
                    f"MLflow at {self.target.shown_uri} (from {self.target.source}) refuses to {what}: {reason}"
                ) from exc
            raise ServiceError(
                f"MLflow at {self.target.shown_uri} (from {self.target.source}) failed to {what}: {reason}. "
                f"Training goes on without it; clear the task {self.task} when MLflow is back: nothing is lost"
            ) from exc

    def _make_experiment(self) -> Experiment:
        if not self.target.is_server and self.target.artifact_root is None:
            raise ConfigurationError(
                f"no experiment {self.target.experiment_name!r} in {self.target.shown_uri}, and a database cannot say "
                "where its artifacts go: make the experiment on an MLflow server first, or give that server's address"
            )
        try:
            self.client.create_experiment(
                self.target.experiment_name, artifact_location=self.target.artifact_root, tags=EXPERIMENT_TAGS
            )
        except MlflowException as exc:
            if exc.error_code != "RESOURCE_ALREADY_EXISTS":  # somebody else was first
                raise
        return self.client.get_experiment_by_name(self.target.experiment_name)

    def _search(self, filter_string: str) -> Iterator[FoundRun]:
        token = None
        while True:
            with self.asking("search runs"):
                page = self.client.search_runs(
                    [self.experiment_id], filter_string, max_results=self._page_size, page_token=token
                )
            yield from (_found(run) for run in page)
            token = page.token
            if not token:
                return


def _found(run: Run) -> FoundRun:
    tags = run.data.tags
    return FoundRun(
        run_id=run.info.run_id,
        key=tags.get(KEY_TAG, ""),
        started_at_ms=run.info.start_time,
        is_finished=run.info.status == "FINISHED",
        parent_run_id=tags.get(PARENT_TAG),
        tags=tags,
    )


def _oldest_first(runs: Iterator[FoundRun]) -> list[FoundRun]:
    return sorted(runs, key=lambda run: (run.started_at_ms, run.run_id))


def _reason(exc: Exception) -> str:
    text = " ".join(str(exc).split())
    return next((sign for sign in OUTAGES if sign in text), text[:300])


def _calm_mlflow() -> None:
    MLFLOW_DISABLE_TELEMETRY.set(True)
    MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(0)
    MLFLOW_HTTP_REQUEST_TIMEOUT.set(REQUEST_TIMEOUT_SECONDS)
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)  # each print would cost one more request
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # it prints what we raise
