"""Studies in MLflow: each once, with its files, however often the projection was interrupted."""

from collections.abc import Callable

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from fleetcast.errors import ServiceError
from fleetcast.tracking.following import Patience, project
from fleetcast.tracking.projection import Projection
from fleetcast.tracking.records import RunRecord
from fleetcast.tracking.target import TrackingTarget
from fleetcast.tracking.tracker import FoundRun, Tracker
from synthetic_fleet import SyntheticFleet
from tuned_fleet import FILES, write_stage, write_tuning

NewProjection = Callable[..., Projection]
PATIENCE = Patience(poll_seconds=1.0, idle_limit_seconds=10.0, outage_limit_seconds=5.0)


class KilledError(Exception):
    """Stands for SIGKILL: nothing of the process's state lives on."""


class DyingTracker(Tracker):
    """Dies at its third study: when its run is made and that is not said, or before its second file."""

    where = "answer"
    n_studies = n_files = 0

    def create(self, record: RunRecord, *, parent_run_id: str | None = None) -> FoundRun:
        run = super().create(record, parent_run_id=parent_run_id)
        self.n_studies += "study" in record.tags
        if self.n_studies == 3 and self.where == "answer":
            self.where = ""
            raise ServiceError("the answer was lost")
        return run

    def log_page(self, run: FoundRun, name: str, *, text: str) -> None:
        self.n_files += 1
        if self.n_files == 2 * len(FILES) + 2 and self.where == "file":
            raise KilledError(name)
        super().log_page(run, name, text=text)


def study_runs(target: TrackingTarget) -> list[Run]:
    client = MlflowClient(tracking_uri=target.uri)
    experiment = client.get_experiment_by_name(target.experiment_name)
    found = client.search_runs([experiment.experiment_id], "tags.`fleetcast.kind` = 'study'", max_results=1000)
    return list(found)


def files_of(target: TrackingTarget, run: Run) -> set[str]:
    return {file.path for file in MlflowClient(tracking_uri=target.uri).list_artifacts(run.info.run_id)}


@pytest.fixture
def tuned(fleet: SyntheticFleet) -> SyntheticFleet:
    """A fleet of three families with seven studies; it has no report yet."""
    fleet.write_all(report=None)
    write_tuning(fleet)
    return fleet


def test_every_study_has_one_finished_run_with_its_figures_and_files(
    tuned: SyntheticFleet, target: TrackingTarget, new_projection: NewProjection
) -> None:
    projection = new_projection()
    projection.advance()
    assert (projection.studies.n_logged, projection.studies.n_created) == (7, 7)
    runs = {run.info.run_name: run for run in study_runs(target)}
    assert len(runs) == 7
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {projection.parent.run_id}
    run = runs["btc-w5-high stage 3"]
    assert run.data.metrics == {
        "n_complete": 5.0,
        "n_pruned": 2.0,
        "n_failed": 1.0,
        "cpu_seconds": 4.0,
        "value": 0.41,
        "default_value": 0.40,
        "gain": pytest.approx(0.01),
    }
    assert run.data.params == {"num_leaves": "30", "learning_rate": "0.05"}
    assert run.data.tags["best_trial"] == "5"
    assert files_of(target, run) == set(FILES)
    assert "gain" not in runs["btc-w5-high stage 4"].data.metrics  # it has no trial at stage 1's parameters


def test_stages_are_logged_as_they_close_and_never_twice(
    fleet: SyntheticFleet, target: TrackingTarget, new_projection: NewProjection
) -> None:
    fleet.write_all(report=None)
    bests = fleet.write_family_bests()
    projection = new_projection()
    write_stage(fleet, 2, bests[:1], gains=(0.0,), third=0.4)
    projection.advance()
    assert [run.info.run_name for run in study_runs(target)] == ["btc-w5-high stage 2"]
    write_stage(fleet, 3, bests, gains=(0.0,), third=0.4)
    projection.advance()
    assert projection.advance() == 0
    new_projection().advance()
    assert len(study_runs(target)) == 4


@pytest.mark.parametrize("where", ["answer", "file"])
def test_interrupted_halfway_the_next_attempt_completes_and_doubles_nothing(
    tuned: SyntheticFleet, target: TrackingTarget, new_projection: NewProjection, where: str
) -> None:
    dying = DyingTracker(target, now_ms=lambda: 1_700_000_000_000)
    dying.where = where
    projection = new_projection(tracker=dying)
    with pytest.raises(ServiceError if where == "answer" else KilledError, match=r"the answer was lost|history\.html"):
        projection.advance()
    again = projection if where == "answer" else new_projection()
    again.advance()
    assert again.studies.n_logged == 7
    runs = study_runs(target)
    assert len(runs) == len({run.info.run_name for run in runs}) == 7
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert all(files_of(target, run) == set(FILES) for run in runs)


def test_trials_that_come_are_news_while_a_stage_is_tuned(
    fleet: SyntheticFleet, new_projection: NewProjection, passing_time: "object"
) -> None:
    fleet.write_all(report=None)
    bests = fleet.write_family_bests()
    write_stage(fleet, 2, bests[:1], gains=(0.0,), third=0.4)
    fleet.store.delete(f"{fleet.folder.tuning_result(2).path}/manifest.json")  # planned, and not closed

    def meanwhile() -> None:
        now = int(passing_time.now)  # type: ignore[attr-defined]
        if now % 8 == 0 and now <= 40:
            fleet.folder.trial("stage-2-btc-w5-high", now).commit()

    passing_time.meanwhile = meanwhile  # type: ignore[attr-defined]
    with pytest.raises(ServiceError, match="nothing new to log for 10 s"):
        project(new_projection(), follow=True, patience=PATIENCE, clock=passing_time.clock)  # type: ignore[attr-defined]
    assert 40 < passing_time.now <= 60  # type: ignore[attr-defined]
