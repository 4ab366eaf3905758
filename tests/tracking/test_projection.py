"""What MLflow holds after a projection: the same for a database and for a server, however often it was interrupted."""

import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from fleetcast.errors import ServiceError, TakenOverError
from fleetcast.tracking.models import MODEL_TAG
from fleetcast.tracking.projection import Projection
from fleetcast.tracking.records import KIND_TAG, RunRecord
from fleetcast.tracking.target import TrackingTarget
from fleetcast.tracking.tracker import FoundRun, Tracker
from synthetic_fleet import COLUMNS, SKIPPED, SyntheticFleet, fleet_args, model_text

NewProjection = Callable[..., Projection]
PAGE = "<html>the page, naïve €</html>"


class KilledError(Exception):
    """Stands for SIGKILL: nothing of the process's state lives on."""


class DyingTracker(Tracker):
    """Dies at its ``n``-th run: before the run is made, before it ends, or when it is made and that is not said."""

    n = 0
    where = "create"

    def create(self, record: RunRecord, *, parent_run_id: str | None = None) -> FoundRun:
        if parent_run_id is None:
            return super().create(record)
        self.n -= 1
        if self.n == 0 and self.where == "create":
            raise KilledError(self.where)
        run = super().create(record, parent_run_id=parent_run_id)
        if self.n == 0 and self.where == "answer":
            raise ServiceError("the answer was lost")
        return run

    def finish(self, run: FoundRun, record: RunRecord) -> FoundRun:
        if self.n == 0 and self.where == "finish":
            raise KilledError(self.where)
        return super().finish(run, record)


def runs_of(target: TrackingTarget) -> list[Run]:
    client = MlflowClient(tracking_uri=target.uri)
    experiment = client.get_experiment_by_name(target.experiment_name)
    return list(client.search_runs([experiment.experiment_id], max_results=5000))


def variant_runs(target: TrackingTarget) -> list[Run]:
    return [run for run in runs_of(target) if run.data.tags["fleetcast.kind"] == "variant"]


def parent_run(target: TrackingTarget) -> Run:
    [parent] = [run for run in runs_of(target) if run.data.tags["fleetcast.kind"] == "fleet"]
    return parent


@dataclass(frozen=True)
class Complete:
    """A fleet and the MLflow that holds it all."""

    fleet: SyntheticFleet
    target: TrackingTarget


@pytest.fixture(scope="module", params=["database", "server"])
def complete(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Complete:
    """Projected once, for the tests that only look."""
    folder = tmp_path_factory.mktemp("complete")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    if request.param == "server":
        uri = request.getfixturevalue("mlflow_server").uri
    else:
        shutil.copy(request.getfixturevalue("empty_database"), folder / "mlflow.db")
    target = TrackingTarget(uri, "complete", "the test")
    fleet = SyntheticFleet(fleet_args((folder / "store").as_uri()))
    fleet.write_all(report=PAGE)
    tracker = Tracker(target, now_ms=lambda: time.time_ns() // 1_000_000)
    projection = Projection(
        fleet.folder, fleet.args, tracker=tracker, dag_run_id="manual__1", facts={"preset": "micro"}
    )
    projection.advance()
    if not projection.is_complete:
        raise RuntimeError("the projection did not complete")
    return Complete(fleet, target)


def test_every_variant_has_one_finished_run_under_the_parent(complete: Complete) -> None:
    fleet, target = complete.fleet, complete.target
    runs = variant_runs(target)
    parent = parent_run(target)
    assert Counter(run.info.run_name for run in runs) == Counter(v.variant_id for v in fleet.args.variants())
    assert {run.info.status for run in [*runs, parent]} == {"FINISHED"}
    assert {run.data.tags["mlflow.parentRunId"] for run in runs} == {parent.info.run_id}


def test_trained_run_holds_its_manifest(complete: Complete) -> None:
    fleet, target = complete.fleet, complete.target
    variant = fleet.args.variants()[0]
    result = fleet.result(variant)
    [run] = [run for run in variant_runs(target) if run.info.run_name == variant.variant_id]
    assert run.data.params == {
        "objective": "multiclass",
        "num_leaves": "30",
        "learning_rate": "0.05",
        "deterministic": "True",
    }
    expected = {**result.metrics, "n_breakout": float(result.n_by_class["breakout"]), "cpu_seconds": result.cpu_seconds}
    assert {name: run.data.metrics[name] for name in expected} == pytest.approx(expected)
    expected_tags = {
        "symbol": "btc",
        "window_bars": "5",
        "swing_type": "high",
        "horizon_bars": "5",
        "deviation": "1.0",
        "threshold": "0.5",
        "family_id": "btc-w5-high",
        "status": "trained",
        "judged": "true",
        "run_key": fleet.args.run_key,
    }
    assert {name: run.data.tags[name] for name in expected_tags} == expected_tags
    assert run.info.end_time - run.info.start_time == round(result.cpu_seconds * 1000)


def test_skipped_run_says_why(complete: Complete) -> None:
    target = complete.target
    skipped = [run for run in variant_runs(target) if run.data.tags["status"] == "skipped"]
    assert len(skipped) == 3
    assert {run.data.tags["reason"] for run in skipped} == {SKIPPED}
    assert {run.data.metrics["n_events"] for run in skipped} == {143.0}


def test_projecting_again_adds_nothing(
    fleet: SyntheticFleet, target: TrackingTarget, new_projection: NewProjection
) -> None:
    fleet.write_all()
    new_projection().advance()
    before = {run.info.run_id: run.data.metrics for run in runs_of(target)}
    again = new_projection(dag_run_id="scheduled__2")
    assert again.advance() == 0
    assert again.is_complete
    assert {run.info.run_id: run.data.metrics for run in runs_of(target)} == before
    assert parent_run(target).data.tags["fleetcast.dag_run_ids"] == "manual__1 scheduled__2"
    assert parent_run(target).data.tags["dag_run_id"] == "manual__1"


@pytest.mark.parametrize("where", ["create", "finish"])
def test_killed_halfway_the_next_attempt_completes_and_doubles_nothing(
    fleet: SyntheticFleet, target: TrackingTarget, new_projection: NewProjection, new_tracker: object, where: str
) -> None:
    fleet.write_all()
    dying = DyingTracker(target, now_ms=lambda: 1_700_000_000_000)
    dying.n, dying.where = 19, where
    with pytest.raises(KilledError, match=where):
        new_projection(tracker=dying).advance()
    n_made = 18 if where == "create" else 19
    assert Counter(run.info.status for run in variant_runs(target)) == {"FINISHED": 18} | (
        {"RUNNING": 1} if where == "finish" else {}
    )
    second = new_projection()
    second.advance()
    assert second.is_complete
    assert second.n_created == 36 - n_made
    runs = variant_runs(target)
    assert len(runs) == len({run.info.run_name for run in runs}) == 36
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert all(run.data.metrics["n_events"] > 0 for run in runs)


def test_run_whose_creation_was_not_answered_is_found_and_not_made_again(
    fleet: SyntheticFleet, target: TrackingTarget, new_projection: NewProjection
) -> None:
    fleet.write_all()
    tracker = DyingTracker(target, now_ms=lambda: 1_700_000_000_000)
    tracker.n, tracker.where = 5, "answer"
    projection = new_projection(tracker=tracker)
    with pytest.raises(ServiceError, match="the answer was lost"):
        projection.advance()
    projection.advance()
    assert projection.is_complete
    assert len(variant_runs(target)) == 36


def test_second_process_takes_over_and_the_first_ends(
    fleet: SyntheticFleet, target: TrackingTarget, new_projection: NewProjection
) -> None:
    fleet.write_early_stages()
    fleet.write_variants(stop=10)
    first, second = new_projection(), new_projection()
    first.advance()
    second.advance()
    fleet.write_variants(start=10)
    with pytest.raises(TakenOverError, match=r"this one ends.*10 of 36 variants"):
        first.advance()
    second.advance()
    assert len(variant_runs(target)) == 36


def test_doubled_run_is_deleted_at_the_end(
    fleet: SyntheticFleet, target: TrackingTarget, new_projection: NewProjection, new_tracker: Callable[[], Tracker]
) -> None:
    fleet.write_early_stages()
    fleet.write_variants()
    first, second = new_projection(), new_projection()
    first.advance()
    second.advance()
    late = new_tracker()
    late.open()
    double = next(iter(late.find_all(fleet.args.run_key, kind="variant")))
    tags = {name: value for name, value in double.tags.items() if not name.startswith("mlflow.")}
    record = RunRecord(key=double.key, name="double", tags=tags)
    late.create(record, parent_run_id=double.parent_run_id)
    fleet.write_family_bests()
    fleet.write_report("<html></html>")
    second.advance()
    assert second.is_complete
    assert len(variant_runs(target)) == 36
    assert "double" not in {run.info.run_name for run in variant_runs(target)}


def test_projection_waits_for_family_bests_and_report(
    fleet: SyntheticFleet, target: TrackingTarget, new_projection: NewProjection
) -> None:
    fleet.write_early_stages()
    fleet.write_variants(stop=7)
    projection = new_projection()
    assert projection.advance() == 7
    assert projection.advance() == 0
    fleet.write_variants(start=7)
    fleet.write_family_bests()
    assert projection.advance() == 29 + 3
    assert not projection.is_complete
    assert parent_run(target).info.status == "RUNNING"
    fleet.write_report("<html>the page</html>")
    assert projection.advance() == 1
    assert projection.is_complete


def test_report_is_an_artifact_of_the_parent(complete: Complete) -> None:
    target = complete.target
    client = MlflowClient(tracking_uri=target.uri)
    path = client.download_artifacts(parent_run(target).info.run_id, "report.html")
    assert Path(path).read_text(encoding="utf-8") == PAGE


def test_parent_names_the_fleet(complete: Complete) -> None:
    target = complete.target
    parent = parent_run(target)
    assert parent.data.tags["preset"] == "micro"
    assert parent.data.params["symbols"] == "btc, eth, sol"
    assert parent.data.params["n_variants"] == "36"
    assert parent.data.metrics["n_skipped"] == 3.0


def test_family_best_predicts_from_mlflow_as_from_the_store(
    complete: Complete, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = complete.target
    monkeypatch.setenv("MLFLOW_TRACKING_URI", target.uri)
    bests = [run for run in variant_runs(target) if run.data.tags.get("family_best") == "true"]
    assert sorted(run.data.tags["family_id"] for run in bests) == ["btc-w5-high", "eth-w5-high", "sol-w5-high"]
    run = bests[0]
    assert run.data.metrics["holdout_delta"] == pytest.approx(run.data.metrics["holdout_delta_low"] + 0.014)
    model = mlflow.pyfunc.load_model(f"models:/{run.data.tags[MODEL_TAG]}")
    X = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    n_events = int(run.data.metrics["n_events"])
    expected = lgb.Booster(model_str=model_text(n_events % 2).decode()).predict(X)
    np.testing.assert_allclose(model.predict(pd.DataFrame(X, columns=list(COLUMNS))), expected)
    assert model.metadata.signature.inputs.input_names() == list(COLUMNS)
    with pytest.raises(mlflow.exceptions.MlflowException, match="missing inputs"):
        model.predict(pd.DataFrame(X[:, :3], columns=list(COLUMNS[:3])))


def test_model_half_logged_by_a_killed_process_is_replaced(
    fleet: SyntheticFleet, target: TrackingTarget, new_projection: NewProjection, new_tracker: Callable[[], Tracker]
) -> None:
    fleet.write_early_stages()
    fleet.write_variants()
    new_projection().advance()
    killed = new_tracker()
    killed.open()
    tags = {"run_key": fleet.args.run_key, KIND_TAG: "variant"}
    killed.client.create_logged_model(killed.experiment_id, name="btc-w5-high", tags=tags, model_type="lightgbm")
    fleet.write_family_bests()
    new_projection().advance()
    models = killed.client.search_logged_models([killed.experiment_id])
    assert sorted(model.name for model in models) == ["btc-w5-high", "eth-w5-high", "sol-w5-high"]
    assert {model.status.value for model in models} == {"READY"}
