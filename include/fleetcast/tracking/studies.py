"""The studies of tuning in MLflow: one run each under the fleet's, with the files that its stage has stored."""

import logging
from collections.abc import Callable
from pathlib import PurePosixPath

from fleetcast.store.manifests import Manifest, RunFolder
from fleetcast.tracking.records import RunRecord, study_record
from fleetcast.tracking.tracker import FoundRun, Tracker

STAGES = (2, 3, 4)
log = logging.getLogger(__name__)


class StudyRuns:
    """Brings MLflow up to date with the stages of tuning that are closed.

    A study's run ends when its files are there: one that has not ended is filled again, and one that is there twice,
    because its creation was not answered, is deleted but for the oldest.

    Args:
        run: the folder of the run.
        tracker: the experiment; opened before `advance`.
    """

    def __init__(self, run: RunFolder, *, tracker: Tracker) -> None:
        self.n_created = 0
        self._run = run
        self._tracker = tracker
        self._logged: set[str] = set()  # keys
        self._done: set[int] = set()  # stages
        self._n_results = 0

    @property
    def n_logged(self) -> int:
        """Studies whose run is in MLflow, complete."""
        return len(self._logged)

    def advance(self, parent: FoundRun, *, check_writer: Callable[[], None]) -> int:
        """Logs what has been closed since; returns how many studies.

        Args:
            parent: the fleet's run.
            check_writer: raises TakenOverError when another process logs this fleet now.
        """
        n_before = self.n_logged
        for stage in STAGES:
            result = None if stage in self._done else self._run.tuning_result(stage).committed()
            if result is not None:
                check_writer()
                self._log_stage(stage, result, parent)
                self._done.add(stage)
        return self.n_logged - n_before

    def has_new_results(self) -> bool:
        """Whether trials or production models have come since the last call; a stage is logged when it is closed."""
        plans = [plan for stage in STAGES if (plan := self._run.tuning_plan(stage).committed()) is not None]
        names = [study["study"] for plan in plans for study in plan.facts["studies"]]
        folders = [f"{self._run.study(name).path}/trials" for name in names]
        folders.append(f"{self._run.path}/production/models")
        before, self._n_results = self._n_results, sum(len(self._run.store.list_folders(path)) for path in folders)
        return self._n_results > before

    def _log_stage(self, stage: int, result: Manifest, parent: FoundRun) -> None:
        known = self._known()
        for family_id, outcome in result.facts["families"].items():
            record = study_record(family_id, outcome, stage=stage, run_key=self._run.run_key)
            run = known.get(record.key)
            if run is None:
                run = self._tracker.create(record, parent_run_id=parent.run_id)
                self.n_created += 1
            if not run.is_finished and record.key not in self._logged:
                self._fill(run, record, stage=stage, result=result, family_id=family_id)
            self._logged.add(record.key)
        log.info("logged the %d studies of stage %d", len(result.facts["families"]), stage)

    def _known(self) -> dict[str, FoundRun]:
        known: dict[str, FoundRun] = {}
        for run in self._tracker.find_all(self._run.run_key, kind="study"):
            if run.key in known:
                self._tracker.delete(run)
            known.setdefault(run.key, run)
        return known

    def _fill(self, run: FoundRun, record: RunRecord, *, stage: int, result: Manifest, family_id: str) -> None:
        folder = self._run.tuning_result(stage)
        for name in result.outputs:
            path = PurePosixPath(name)
            if path.parent.name == family_id:
                self._tracker.log_page(run, path.name, text=folder.read(name).decode())
        self._tracker.finish(run, record)
