"""One run's production models brought into the registry: idempotent, and resumable after every request."""

import logging
from collections.abc import Sequence

from fleetcast.registry.records import KIND, VersionRecord
from fleetcast.registry.versions import FoundVersion, Versions
from fleetcast.tracking.models import MODEL_TAG, ModelRecord, delete_unfinished_models, log_model
from fleetcast.tracking.records import COMPLETE_TAG, KEY_TAG, KIND_TAG, RunRecord
from fleetcast.tracking.tracker import FoundRun, Tracker

log = logging.getLogger(__name__)

COLUMNS_FILE = "columns.json"  # beside the model: its inputs, and what stands there for an unknown value


class Registration:
    """Registers each model once: its run, its files, its version, and last its alias.

    Each step looks for what an earlier attempt left before it makes anything, so a killed one is gone on with, and a
    second one changes nothing.

    Args:
        run_key: of the run.
        records: its production models.
        tracker: the experiment; opened by `advance`.
        versions: the registry, asked for through the same tracker.
    """

    def __init__(
        self, run_key: str, records: Sequence[VersionRecord], *, tracker: Tracker, versions: Versions | None = None
    ) -> None:
        self.registered: dict[str, FoundVersion] = {}  # by family id
        self.n_created = 0
        self._run_key = run_key
        self._records = records
        self._tracker = tracker
        self._versions = versions or Versions(tracker)
        self._parent: FoundRun | None = None
        self._is_open = False

    @property
    def n_registered(self) -> int:
        """Models that are registered, complete."""
        return len(self.registered)

    def advance(self) -> None:
        """Registers what is not registered yet.

        Raises:
            ServiceError: MLflow does not answer. Call again to go on.
        """
        if not self._is_open:
            self._open()
        for record in self._records:
            if record.family.family_id not in self.registered:
                self.registered[record.family.family_id] = self._register(record)

    def _open(self) -> None:
        self._tracker.open()
        self._parent = next(iter(self._tracker.find(self._run_key)), None)
        runs = self._tracker.find_all(self._run_key, kind=KIND)
        finished = frozenset(run.tags[MODEL_TAG] for run in runs if MODEL_TAG in run.tags)
        delete_unfinished_models(self._tracker, self._run_key, kind=KIND, finished=finished)
        self._is_open = True

    def _register(self, record: VersionRecord) -> FoundVersion:
        run = self._run_of(record)
        model_id = run.tags.get(MODEL_TAG) or log_model(self._tracker, run, _model_record(record))
        version = self._version_of(record, run, model_id)
        self._versions.update(version, tags=record.verdict, description=record.description)
        if version.tags.get(COMPLETE_TAG) != "true":
            self._versions.challenge_if_latest(version)
            self._versions.update(version, tags={COMPLETE_TAG: "true"}, description=record.description)
        log.info("%s: version %d", version.name, version.number)
        return version

    def _run_of(self, record: VersionRecord) -> FoundRun:
        wanted, found = _run_record(record), self._tracker.find(record.key)
        if not found:
            self._tracker.create(wanted, parent_run_id=self._parent.run_id if self._parent else None)
            found = self._tracker.find(record.key)
        run, *others = found
        for other in others:
            self._tracker.delete(other)
        return run if run.is_finished else self._tracker.finish(run, wanted)

    def _version_of(self, record: VersionRecord, run: FoundRun, model_id: str) -> FoundVersion:
        family = record.family
        self._versions.ensure_model(
            record.name,
            tags={"family_id": family.family_id, **{key: str(value) for key, value in family}},
            description=f"What follows a swing of {family.family_id}: breakout, reversal or neither.",
        )
        found = self._versions.find(record.name, key=record.key)
        if not found:
            self._versions.create(
                record.name,
                run=run,
                model_id=model_id,
                tags={**record.tags, **record.verdict},
                description=record.description,
            )
            self.n_created += 1
            found = self._versions.find(record.name, key=record.key)
        version, *others = found
        for other in others:
            self._versions.delete(other)
        return version


def _run_record(record: VersionRecord) -> RunRecord:
    return RunRecord(
        key=record.key,
        name=record.name,
        tags=record.tags,
        parameters=record.parameters,
        metrics=record.metrics,
        seconds=record.seconds,
    )


def _model_record(record: VersionRecord) -> ModelRecord:
    named = {name: value for name, value in record.tags.items() if name not in (KEY_TAG, KIND_TAG)}
    return ModelRecord(
        name=record.name,
        text=record.text,
        columns=record.columns,
        tags={name: record.tags[name] for name in (KIND_TAG, "run_key", "family_id", "parent_variant_id")},
        metrics=record.metrics,
        metadata={**named, "metrics": dict(record.metrics)},
        files={COLUMNS_FILE: record.columns_json},
    )
