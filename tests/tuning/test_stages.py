"""Stages 2 to 4 of a small fleet, with a real service: what is planned, and what is learnt from made-up trials."""

import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from fleetcast.errors import ConfigurationError, DataError, ServiceError, StoreError
from fleetcast.fleet.results import FamilyBest, VariantResult
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.job_args.tuning import CloseTuning, PlanFamilyTuning, PlanTuning, TunedStage
from fleetcast.jobs import close_tuning, plan_family_tuning, plan_tuning
from fleetcast.ledger.run_ledger import count_beside
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.tuning.budget import BROAD_FACTOR
from fleetcast.tuning.client import StudyClient
from fleetcast.tuning.messages import TrialRecord
from fleetcast.tuning.planned_study import PlannedStudy, default_point
from fleetcast.tuning.space import Range, load_space
from fleetcast.tuning.stage_results import StageResult, load_result
from fleetcast.tuning.worker import PrunedError, RunningTrial, run_trials
from found_studies import result_of
from study_service import TOKEN, StudyService

BROAD = load_space("broad")
DEFAULT = default_point(BROAD)
STAGE_1_SECONDS = 20.0  # of each of 20 variants
Objective = Callable[[PlannedStudy, RunningTrial], float]


@dataclass(frozen=True)
class FleetRun:
    """Four families, of two windows; each has a judged variant but the last."""

    args: FleetJobArgs

    @property
    def folder(self) -> RunFolder:
        return RunFolder(Store(self.args.store), self.args.run_key)

    def changed(self, **changes: object) -> "FleetRun":
        """The same inputs under other arguments."""
        return prepare(self.args.model_copy(update=changes).with_run_key())

    def plan(self, stage: TunedStage) -> list[PlannedStudy]:
        plan_tuning.run(self.args.for_job(PlanTuning, stage=stage))
        facts = self.folder.tuning_plan(stage).require().facts
        return [PlannedStudy.model_validate(study) for study in facts["studies"]]

    def budget(self, stage: TunedStage) -> dict[str, float]:
        return dict(self.folder.tuning_plan(stage).require().facts["budget"])

    def close(self, stage: TunedStage) -> StageResult:
        close_tuning.run(self.args.for_job(CloseTuning, stage=stage))
        return load_result(self.folder, stage)

    def plan_family(self, by_hand: str, **wish: object) -> PlannedStudy:
        """The study that a person asks for."""
        asked = {"by_hand": by_hand, "family_id": self.args.families()[0].family_id, "n_trials": 4, **wish}
        args = self.args.for_job(PlanFamilyTuning, **asked)
        assert isinstance(args, PlanFamilyTuning)
        plan_family_tuning.run(args)
        (study,) = self.folder.tuning_plan(3, by_hand=by_hand).require().facts["studies"]
        return PlannedStudy.model_validate(study)

    def close_family(self, by_hand: str) -> StageResult:
        close_tuning.run(self.args.for_job(CloseTuning, stage=3, by_hand=by_hand))
        return StageResult.model_validate(self.folder.tuning_result(3, by_hand=by_hand).require().facts)

    def work(self, client: StudyClient, planned: list[PlannedStudy], objective: Objective, seconds: float) -> None:
        """Runs all trials; those that end leave a manifest that says they took so long."""
        for study in planned:
            with_manifest = Recorded(self.folder, study, objective, seconds)
            while client.look(study.study).n_left:
                try:
                    run_trials(client, study.study, with_manifest, worker="worker")
                except DataError:
                    continue


@dataclass(frozen=True)
class Recorded:
    """An objective that commits what it has found before the service hears of it."""

    folder: RunFolder
    study: PlannedStudy
    objective: Objective
    seconds: float

    def __call__(self, trial: RunningTrial) -> float:
        try:
            value = self.objective(self.study, trial)
        except PrunedError:
            self.commit(trial, "pruned", None)
            raise
        self.commit(trial, "complete", value)
        return value

    def commit(self, trial: RunningTrial, state: str, value: float | None) -> None:
        record = TrialRecord.model_validate(
            {
                "number": trial.number,
                "state": state,
                "params": trial.params,
                "value": value,
                "reports": {},
                "started_at": None,
                "finished_at": None,
                "reason": None,
            }
        )
        result = result_of(self.study, record, seconds=self.seconds)
        self.folder.trial(self.study.study, trial.number).commit(facts=result.model_dump(mode="json"))


def prepare(args: FleetJobArgs) -> FleetRun:
    """Commits what comes before tuning; the score of a family is its place in the grid."""
    run = FleetRun(args)
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((1, 1), dtype=np.float32))
    columns = run.folder.stage("columns")
    columns.write("matrix.npy", buffer.getvalue())
    columns.commit()
    run.folder.stage("labels").commit(facts={"n_rows": 6000, "counts": {}})
    bests, variants = {}, args.variants()
    for place, variant in enumerate(variants):
        result = VariantResult(
            variant_id=variant.variant_id,
            family_id=variant.family.family_id,
            status="trained",
            n_events=400,
            n_by_class={},
            training_cpu_seconds=0.75 * STAGE_1_SECONDS,
            structure_cpu_seconds=0.25 * STAGE_1_SECONDS,
        )
        run.folder.variant(variant.variant_id).commit(facts=result.model_dump(mode="json"))
        judged = place < len(variants) - 5
        best = FamilyBest(
            family_id=variant.family.family_id,
            variant_id=variant.variant_id if judged else None,
            raw_best_variant_id=None,
            n_trained=5,
            n_judged=5 * judged,
            n_skipped=0,
            validation={"score": float(place)} if judged else {},
        )
        bests[variant.family.family_id] = best.model_dump(mode="json")
    bests_folder = run.folder.stage("family_bests")
    bests_folder.write("bests.json", json.dumps(bests).encode())
    whole = STAGE_1_SECONDS * len(variants)
    cpu = {"training_cpu_seconds": 0.75 * whole, "structure_cpu_seconds": 0.25 * whole}
    bests_folder.commit(facts={"families": bests, "cpu": cpu})
    return run


@pytest.fixture
def fleet(store: Store, service: StudyService, monkeypatch: pytest.MonkeyPatch) -> FleetRun:
    monkeypatch.setenv("FLEETCAST_STUDIES_URL", service.url)
    monkeypatch.setenv("FLEETCAST_STUDIES_TOKEN", TOKEN)
    args = FleetJobArgs.model_validate(
        {
            "store": store.uri,
            "dataset_rev": store.uri[-20:],  # so that no other test has its studies
            "cutoff": "2026-01-01T00:00:00Z",
            "feature_width": "core",
            "n_columns": 1,
            "n_selection_models": 1,
            "tune": True,
            "tuning_trials": 4,
            "symbols": ["btc", "eth"],
            "window_bars": [5, 20],
            "swing_types": ["high"],
            "deviations": [1.0],
            "thresholds": [0.5],
            "horizon_bars": [5, 10, 20, 50, 100],
        }
    )
    return prepare(args.with_run_key())


@pytest.fixture
def client(service: StudyService) -> Iterator[StudyClient]:
    with StudyClient(service.url, token=TOKEN) as client:
        yield client


def deeper_is_better(study: PlannedStudy, trial: RunningTrial) -> float:
    if study.spec.pruner != "none":
        trial.report(0, trial.params["max_depth"] / 100)
    return trial.params["max_depth"] / 100 + trial.params["feature_fraction"] / 1000


def test_the_stages_teach_each_other_up_to_one_point_a_family(fleet: FleetRun, client: StudyClient) -> None:
    fleet = fleet.changed(tuning_trials=12)
    second = fleet.plan(2)
    assert [study.family_id for study in second] == ["btc-w5-high", "btc-w20-high"]
    for study in second:
        assert study.starts == (DEFAULT,)
        assert (study.spec.space, study.spec.pruner, study.n_trials) == (BROAD, "none", 12)
    fleet.work(client, second, deeper_is_better, seconds=50.0)
    learnt = fleet.close(2)
    assert learnt.families["btc-w5-high"].default is not None
    assert learnt.families["btc-w5-high"].default.parameters == DEFAULT
    assert learnt.cost_over_expected == pytest.approx(50.0 / (BROAD_FACTOR * STAGE_1_SECONDS))
    assert learnt.spent_cpu_seconds == pytest.approx(2 * 12 * 50.0)

    third = fleet.plan(3)
    assert [study.family_id for study in third] == [f.family_id for f in fleet.args.families()][:-1]
    for study in third:
        own = "btc-w5-high" if "-w5-" in study.family_id else "btc-w20-high"
        assert study.starts[0] == DEFAULT
        fixed = {name: DEFAULT[name] for name in learnt.learnings.unimportant}
        assert study.starts[1] == {**learnt.learnings.good_points[own][0], **fixed}
        assert study.spec.space != BROAD
        assert study.spec.pruner == "wilcoxon"
        assert study.expected_trial_seconds == pytest.approx(50.0 * 5 * 50 / 70)
    fleet.work(client, third, deeper_is_better, seconds=30.0)
    found = fleet.close(3)
    assert found.cost_over_expected == pytest.approx(30.0 / (50.0 * 5 * 50 / 70))

    fourth = fleet.plan(4)
    for study in fourth:
        best = found.families[study.family_id].best
        assert best is not None
        assert study.starts == (best.parameters,)
        rate = study.spec.space.parameters["learning_rate"]
        assert isinstance(rate, Range)
        assert rate.high / rate.low < (0.2 / 0.005) ** 0.26
        assert study.expected_trial_seconds == pytest.approx(30.0)
    fleet.work(client, fourth, deeper_is_better, seconds=30.0)
    last = fleet.close(4)
    assert last.tuned is not None
    assert set(last.tuned) == {study.family_id for study in third}
    for family_id, tuned in last.tuned.items():
        of_stage = {3: found, 4: last}[tuned.stage].families[family_id]
        assert of_stage.best is not None
        assert (tuned.study, tuned.number, tuned.value) == (of_stage.study, of_stage.best.number, of_stage.best.value)
        assert tuned.patience == {3: 40, 4: 50}[tuned.stage]
        assert tuned.default_value == pytest.approx(0.05 + 0.7 / 1000)
        assert tuned.value >= tuned.default_value
    outputs = fleet.folder.tuning_result(4).require().outputs
    assert len(outputs) == 7 * len(fourth)


def test_the_measured_budget_decides_the_number_of_trials(fleet: FleetRun, client: StudyClient) -> None:
    fleet = fleet.changed(tuning_trials=None)
    stage_1 = STAGE_1_SECONDS * 20
    second = fleet.plan(2)
    assert fleet.budget(2) == {
        "total_cpu_seconds": pytest.approx(4 * stage_1),
        "share": 0.15,
        "planned_cpu_seconds": pytest.approx(0.6 * stage_1),
        "spent_before": pytest.approx(stage_1),
    }
    assert [study.n_trials for study in second] == [int(0.6 * stage_1 / (2 * BROAD_FACTOR * STAGE_1_SECONDS))] * 2
    fleet.work(client, second, deeper_is_better, seconds=45.0)
    closed = fleet.close(2)
    assert (closed.spent_cpu_seconds, closed.left_cpu_seconds) == (180.0, pytest.approx(0.6 * stage_1 - 180.0))
    fleet.plan(3)
    assert fleet.budget(3)["planned_cpu_seconds"] == pytest.approx(1.4 * stage_1 + closed.left_cpu_seconds)


def test_a_total_that_is_too_small_is_refused_before_a_trial_runs(fleet: FleetRun) -> None:
    with pytest.raises(ConfigurationError, match=r"tuning_cpu_seconds=300 is too small for one trial of each study"):
        fleet.changed(tuning_trials=None, tuning_cpu_seconds=300.0).plan(2)
    assert fleet.changed(tuning_trials=2, tuning_cpu_seconds=300.0).plan(2)[0].n_trials == 2


def test_a_list_of_few_points_gets_no_more_trials_than_points(fleet: FleetRun) -> None:
    assert {study.n_trials for study in fleet.changed(tuning_trials=500, tuning_space="listed").plan(2)} == {108}


def test_a_plan_is_made_once(fleet: FleetRun, client: StudyClient) -> None:
    planned = fleet.plan(2)
    assert fleet.plan(2) == planned
    assert client.look(planned[0].study).n_waiting == 1


def test_a_plan_that_was_interrupted_is_made_again_with_the_same_studies(fleet: FleetRun) -> None:
    planned = fleet.plan(2)
    fleet.folder.store.delete(f"{fleet.folder.tuning_plan(2).path}/manifest.json")
    assert fleet.plan(2) == planned


def test_studies_that_ran_in_a_store_that_is_gone_are_left_alone(fleet: FleetRun, client: StudyClient) -> None:
    planned = fleet.plan(2)
    fleet.work(client, planned[:1], deeper_is_better, seconds=1.0)
    fleet.folder.store.delete(f"{fleet.folder.tuning_plan(2).path}/manifest.json")
    again = fleet.plan(2)
    assert again[1:] == planned[1:]
    assert again[0].study != planned[0].study
    assert (client.look(again[0].study).n_left, client.look(planned[0].study).n_left) == (4, 0)
    held = [study.study for study in again]
    assert count_beside(fleet.folder, held) == 4  # where the store is there all the same, nobody overlooks them


def test_runs_do_not_share_studies(fleet: FleetRun) -> None:
    other = fleet.changed(seed=7)
    assert {study.study for study in fleet.plan(2)}.isdisjoint(study.study for study in other.plan(2))


def test_a_stage_closes_only_when_its_studies_are_over(fleet: FleetRun, client: StudyClient) -> None:
    planned = fleet.plan(2)
    fleet.work(client, planned[:1], deeper_is_better, seconds=1.0)
    with pytest.raises(ServiceError, match=r"is not over: 0 of 4 trials have ended"):
        fleet.close(2)
    assert fleet.folder.tuning_result(2).committed() is None


def test_a_trial_whose_predictions_are_lost_is_an_error(fleet: FleetRun, client: StudyClient) -> None:
    planned = fleet.plan(2)
    fleet.work(client, planned, deeper_is_better, seconds=1.0)
    fleet.folder.store.delete(f"{fleet.folder.trial(planned[0].study, 2).path}/manifest.json")
    with pytest.raises(StoreError, match=r"has no manifest"):
        fleet.close(2)


def test_failed_and_pruned_trials_are_counted_and_nothing_is_built_on_them(
    fleet: FleetRun, client: StudyClient
) -> None:
    def objective(study: PlannedStudy, trial: RunningTrial) -> float:
        if study.family_id == "btc-w5-high":
            raise DataError("one class alone")
        if trial.number == 3:
            raise PrunedError("worse than others")
        return 0.5

    fleet.work(client, fleet.plan(2), objective, seconds=1.0)
    closed = fleet.close(2)
    failed, other = closed.families["btc-w5-high"], closed.families["btc-w20-high"]
    assert (failed.n_complete, failed.n_failed, failed.best, failed.default) == (0, 4, None, None)
    assert (other.n_complete, other.n_pruned, other.cpu_seconds) == (3, 1, 4.0)
    assert other.best == other.default
    third = fleet.plan(3)
    assert len(third) == 3
    assert third[0].starts[0] == DEFAULT
    fleet.work(client, third, objective, seconds=1.0)
    fleet.close(3)
    fourth = fleet.plan(4)
    assert "btc-w5-high" not in [study.family_id for study in fourth]
    fleet.work(client, fourth, lambda *_: 0.4, seconds=1.0)
    tuned = fleet.close(4).tuned
    assert tuned is not None
    assert {(point.stage, point.value, point.default_value) for point in tuned.values()} == {(3, 0.5, 0.5)}


def test_a_fleet_without_a_judged_variant_has_nothing_to_tune(fleet: FleetRun) -> None:
    args = fleet.args.model_copy(update={"window_bars": (20,), "symbols": ("eth",)}).with_run_key()
    run = prepare(args)
    assert run.plan(2) == []
    assert run.close(2).families == {}
    assert (run.plan(3), run.close(3).spent_cpu_seconds, run.plan(4)) == ([], 0.0, [])
    assert run.close(4).tuned == {}


def test_without_a_token_nothing_is_planned(fleet: FleetRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_STUDIES_TOKEN", "")
    with pytest.raises(ConfigurationError, match="FLEETCAST_STUDIES_TOKEN is not set"):
        fleet.plan(2)


def test_a_study_by_hand_stands_beside_the_runs_own(fleet: FleetRun, client: StudyClient) -> None:
    study = fleet.plan_family("one", n_trials=4, space="listed")
    assert study.study.startswith("by-hand-")
    assert (study.n_trials, study.starts) == (4, (default_point(load_space("listed")),))
    assert client.look(study.study).n_trials == 4
    assert fleet.plan_family("one", n_trials=4, space="listed") == study
    assert fleet.plan_family("two", n_trials=4, space="listed").study != study.study
    assert fleet.folder.tuning_plan(3).committed() is None


def test_a_study_by_hand_leaves_all_files_and_no_word_in_the_runs_own_result(
    fleet: FleetRun, client: StudyClient
) -> None:
    study = fleet.plan_family("one", n_trials=3)
    fleet.work(client, [study], lambda _study, trial: 0.4 + trial.number / 100, seconds=2.0)
    result = fleet.close_family("one")
    outcome = result.families[study.family_id]
    assert (outcome.n_complete, outcome.best and outcome.best.number, outcome.cpu_seconds) == (3, 2, 6.0)
    assert result.tuned is None
    files = fleet.folder.tuning_result(3, by_hand="one").require().outputs
    assert {name.split("/")[0] for name in files} == {study.family_id}
    assert len(files) == 7
    assert fleet.folder.tuning_result(3).committed() is None


def test_a_study_by_hand_is_counted_and_says_that_nothing_of_it_can_be_promoted(
    fleet: FleetRun, client: StudyClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert count_beside(fleet.folder, []) == 0
    for name, n_trials in (("one", 2), ("two", 3)):
        study = fleet.plan_family(name, n_trials=n_trials)
        fleet.work(client, [study], lambda _study, trial: 0.4 + trial.number / 100, seconds=2.0)
    assert count_beside(fleet.folder, []) == 5
    fleet.close_family("one")
    assert "one is not promotable: tried by hand: the ledger of the run does not hold these trials" in caplog.text
    summary = fleet.folder.tuning_result(3, by_hand="one").read(f"{study.family_id}/study_summary.json")
    assert json.loads(summary)["promotable"] is False


def test_a_study_by_hand_whose_time_is_over_is_closed_with_what_it_has(fleet: FleetRun, client: StudyClient) -> None:
    study = fleet.plan_family("one", n_trials=30)
    deadline = time.monotonic() + 3.0

    def score(_study: PlannedStudy, trial: RunningTrial) -> float:
        if trial.number == 2:
            time.sleep(max(0.0, deadline - time.monotonic()))  # the time is over within this trial
        return 0.4

    objective = Recorded(fleet.folder, study, score, 1.0)
    assert run_trials(client, study.study, objective, worker="worker", deadline=time.monotonic()) == 0
    assert run_trials(client, study.study, objective, worker="worker", deadline=deadline) > 0
    n_done = client.look(study.study).n_complete
    assert 0 < n_done <= 3
    assert fleet.close_family("one").families[study.family_id].n_complete == n_done


@pytest.mark.parametrize(
    ("place", "error", "message"),
    [
        (None, ConfigurationError, "no family 'btc-w5-hihg' in this run: the nearest of its 4 is 'btc-w5-high'"),
        (3, DataError, "cannot tune .*: None. Choose a family that has a best variant"),
    ],
)
def test_a_family_that_cannot_be_tuned_by_hand_is_said(
    fleet: FleetRun, place: int | None, error: type[Exception], message: str
) -> None:
    family_id = "btc-w5-hihg" if place is None else fleet.args.families()[place].family_id
    with pytest.raises(error, match=message):
        fleet.plan_family("one", family_id=family_id)
