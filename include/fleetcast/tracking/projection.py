"""One run's manifests projected into MLflow: idempotent, resumable, and each step only when its manifest is there."""

import json
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from fleetcast.errors import ServiceError, TakenOverError
from fleetcast.fleet.results import FamilyBest, VariantResult
from fleetcast.fleet.variants import Grid
from fleetcast.store.manifests import REPORT_FILE, Manifest, RunFolder
from fleetcast.tracking.models import MODEL_TAG, ModelRecord, delete_unfinished_models, log_model
from fleetcast.tracking.records import (
    COMPLETE_TAG,
    DAG_RUNS_TAG,
    KIND_TAG,
    WRITER_TAG,
    RunRecord,
    fleet_record,
    holdout_metrics,
    variant_record,
)
from fleetcast.tracking.studies import StudyRuns
from fleetcast.tracking.tracker import PARENT_TAG, FoundRun, Tracker

log = logging.getLogger(__name__)

RUNS_BETWEEN_CHECKS = 100  # of who the writer is
MAX_DAG_RUNS = 30  # that the parent names, the latest ones; a tag holds 8000 characters, a DAG run's id up to 250


class Projection:
    """Brings MLflow up to date with the manifests of one run key.

    Args:
        run: the folder of the run.
        grid: its fleet.
        tracker: the experiment; opened by `advance`.
        dag_run_id: the DAG run that asks; several DAG runs may share a run key, and its one parent run names all.
        facts: what else describes the run.
    """

    def __init__(
        self, run: RunFolder, grid: Grid, *, tracker: Tracker, dag_run_id: str, facts: Mapping[str, Any]
    ) -> None:
        self.is_complete = False
        self.n_created = 0
        self.n_models = 0
        self.n_variants = len(grid.variants())
        self._run = run
        self._tracker = tracker
        self._dag_run_id = dag_run_id
        self._record = fleet_record(grid, run_key=run.run_key, facts={"dag_run_id": dag_run_id, **facts})
        self._variants = {variant.variant_id: variant for variant in grid.variants()}
        self._writer = uuid.uuid4().hex
        self._parent: FoundRun | None = None
        self._known: dict[str, FoundRun] = {}  # by key; what MLflow had when we opened, and what we made since
        self._logged: dict[str, FoundRun] = {}  # by variant id
        self._in_doubt: set[str] = set()  # keys whose creation was asked for and not confirmed
        self._may_have_duplicates = False
        self._has_models = False
        self.studies = StudyRuns(run, tracker=tracker)

    @property
    def n_steps(self) -> int:
        """Grows with whatever reaches MLflow."""
        return self.n_logged + self.n_models + self.studies.n_logged

    def has_new_results(self) -> bool:
        """Whether the run goes on, though nothing new is there to be logged."""
        return self.studies.has_new_results()

    @property
    def n_logged(self) -> int:
        """Variants whose run is in MLflow, complete."""
        return len(self._logged)

    @property
    def parent(self) -> FoundRun:
        """The parent run. Raises ServiceError before the first `advance`."""
        if self._parent is None:
            raise ServiceError(f"the parent run of {self._run.run_key} is not open: advance first")
        return self._parent

    def advance(self) -> int:
        """Does all that the manifests allow now; returns how many things it logged.

        Raises:
            ServiceError: MLflow does not answer. Call again to go on.
            TakenOverError: another process logs this run key now.
        """
        if self._parent is None:
            self._open()
        if self.is_complete:
            return 0
        report = self._run.stage("report").committed()  # looked for first: all that it shows is there then
        n_done = self._log_variants() + self.studies.advance(self.parent, check_writer=self._check_writer)
        bests = self._run.stage("family_bests").committed()
        if bests is None or self.n_logged < self.n_variants:
            return n_done
        if not self._has_models:
            self.n_models = self._log_family_bests(bests)
            self._has_models = True
            n_done += self.n_models
        if report is not None:
            self._finish(bests)
            n_done += 1
        return n_done

    def _open(self) -> None:
        self._tracker.open()
        found = self._tracker.find_all(self._run.run_key, kind="fleet")
        if not found:
            self._tracker.create(self._record)
            found = self._tracker.find_all(self._run.run_key, kind="fleet")  # two may have started at once
        parent, others = found[0], found[1:]
        tags = parent.tags
        for other in others:
            self._tracker.delete(other)
        dag_runs = [name for name in tags.get(DAG_RUNS_TAG, "").split() if name != self._dag_run_id]
        news = {DAG_RUNS_TAG: " ".join([*dag_runs, self._dag_run_id][-MAX_DAG_RUNS:]).strip()}
        is_complete = tags.get(COMPLETE_TAG) == "true"
        self._tracker.log(parent, tags=news if is_complete else {**news, WRITER_TAG: self._writer})
        if is_complete and not parent.is_finished:
            self._tracker.end(parent)
        if not is_complete and WRITER_TAG in tags:  # somebody began before us
            self._recall(parent)
        self._parent, self.is_complete = parent, is_complete

    def _recall(self, parent: FoundRun) -> None:
        self._may_have_duplicates = True
        for run in self._tracker.find_all(self._run.run_key, kind="variant"):
            if run.key in self._known:
                self._tracker.delete(run)
                continue
            if run.parent_run_id != parent.run_id:
                self._tracker.log(run, tags={PARENT_TAG: parent.run_id})
            self._known[run.key] = run
        log.info("MLflow holds %d runs of %s from before", len(self._known), self._run.run_key)

    def _log_variants(self) -> int:
        there = set(self._run.store.list_folders(f"{self._run.path}/variants"))
        n_done = 0
        for variant_id in self._variants:
            if variant_id in self._logged or variant_id not in there:
                continue
            manifest = self._run.variant(variant_id).committed()
            if manifest is None:
                continue
            if n_done % RUNS_BETWEEN_CHECKS == 0:
                self._check_writer()
            self._logged[variant_id] = self._log_run(self._variant_record(variant_id, manifest))
            n_done += 1
        return n_done

    def _variant_record(self, variant_id: str, manifest: Manifest) -> RunRecord:
        return variant_record(
            VariantResult.model_validate(manifest.facts),
            self._variants[variant_id],
            run_key=self._run.run_key,
            output_digest=manifest.output_digest,
        )

    def _log_run(self, record: RunRecord) -> FoundRun:
        run = self._known.get(record.key)
        if run is None and record.key in self._in_doubt:
            self._may_have_duplicates = True
            run = next(iter(self._tracker.find(record.key)), None)
        if run is None:
            self._in_doubt.add(record.key)
            run = self._tracker.create(record, parent_run_id=self.parent.run_id)
            self._in_doubt.discard(record.key)
            self.n_created += 1
        self._known[record.key] = run
        if not run.is_finished:
            run = self._known[record.key] = self._tracker.finish(run, record)
        return run

    def _log_family_bests(self, manifest: Manifest) -> int:
        self._check_writer()
        bests = [FamilyBest.model_validate(facts) for facts in manifest.facts["families"].values()]
        chosen = [best for best in bests if best.variant_id is not None]
        finished = {best.family_id: self._logged[str(best.variant_id)].tags.get(MODEL_TAG) for best in chosen}
        kept = frozenset(model_id for model_id in finished.values() if model_id)
        delete_unfinished_models(self._tracker, self._run.run_key, kind="variant", finished=kept)
        new = [best for best in chosen if not finished[best.family_id]]
        if new:
            columns = [entry["name"] for entry in json.loads(self._run.stage("columns").read("selected.json"))]
            for best in new:
                self._log_model(best, columns)
        return len(new)

    def _log_model(self, best: FamilyBest, columns: list[str]) -> None:
        variant_id = str(best.variant_id)
        record = ModelRecord(
            name=best.family_id,
            text=self._run.variant(variant_id).read("model.txt"),
            columns=columns,
            tags={
                KIND_TAG: "variant",
                "run_key": self._run.run_key,
                "family_id": best.family_id,
                "variant_id": variant_id,
            },
            metrics={**best.validation, **holdout_metrics(best)},
            run_tags={"family_best": "true"},
        )
        model_id = log_model(self._tracker, self._logged[variant_id], record)
        log.info("logged the model of %s as %s", variant_id, model_id)

    def _finish(self, bests: Manifest) -> None:
        self._check_writer()
        html = self._run.stage("report").read(REPORT_FILE).decode()
        self._tracker.log_page(self.parent, REPORT_FILE, text=html)
        if self._may_have_duplicates:
            self._delete_duplicates()
        totals = {name: float(value) for name, value in bests.facts.get("totals", {}).items() if _is_number(value)}
        self._tracker.log(
            self.parent,
            parameters=self._record.parameters,
            metrics={f"n_{name.removeprefix('n_')}": value for name, value in totals.items()},
            tags={COMPLETE_TAG: "true"},
        )
        self._tracker.end(self.parent)
        self.is_complete = True

    def _delete_duplicates(self) -> None:
        ours = {run.run_id for run in self._logged.values()}
        for run in self._tracker.find_all(self._run.run_key, kind="variant"):
            if run.run_id not in ours:
                self._tracker.delete(run)
                log.info("deleted a second run of %s", run.key)

    def _check_writer(self) -> None:
        writer = self._tracker.tags_of(self.parent).get(WRITER_TAG)
        if writer != self._writer:
            raise TakenOverError(
                f"another log-runs writes run key {self._run.run_key} to MLflow now: this one ends, so that nothing is "
                f"logged twice ({self.n_logged} of {self.n_variants} variants were logged)"
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
