"""The score of a trial, without a service: what it reports, commits and finds again."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace

import numpy as np
import pytest

from fleetcast.errors import DataError, TakenOverError
from fleetcast.fleet.results import TrialResult
from fleetcast.labels.families import FamilyLabels
from fleetcast.store.manifests import Manifest
from fleetcast.training.parameters import STAGE_1
from fleetcast.training.run_data import RunData, load_run_data
from fleetcast.training.variant_folds import VariantFolds
from fleetcast.tuning.objective import TrialObjective, TunedStageData
from fleetcast.tuning.planned_study import PlannedStudy
from fleetcast.tuning.space import Params
from fleetcast.tuning.worker import PrunedError
from planned_studies import study_of
from ready_run import make_ready_run


@dataclass
class StandInTrial:
    """A trial that nobody leases; ``prune_at`` is the step at which the study would end it."""

    number: int = 0
    params: Params = field(default_factory=lambda: dict(STAGE_1))
    prune_at: int | None = None
    is_lost: bool = False
    reported: dict[int, float] = field(default_factory=dict)

    def report(self, step: int, value: float) -> None:
        self.reported[step] = value
        if step == self.prune_at:
            raise PrunedError("pruned")

    def check_lease(self) -> None:
        if self.is_lost:
            raise TakenOverError("another worker's now")


class RelabelledData(RunData):
    """Inputs in which one slice of time has a class less."""

    def family_labels(self, family_id: str) -> FamilyLabels:
        labels = super().family_labels(family_id)
        first = (labels.row >= 3000) & (labels.row < 3480)
        outcome = np.where((labels.outcome == 1) & first[:, None, None], 0, labels.outcome).astype(np.int8)
        return replace(labels, outcome=outcome)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return load_run_data(make_ready_run(tmp_path_factory.mktemp("store").as_uri()))


@pytest.fixture
def new_objective(data: RunData, request: pytest.FixtureRequest) -> Callable[..., TrialObjective]:
    """Each test has a study of its own."""

    def make(stage: int = 3, *, data: RunData = data, name: str = "") -> TrialObjective:
        variant = data.args.variants()[0]
        study = study_of(variant, stage=stage, data=request.node.name + name)
        return TrialObjective(TunedStageData(data, stage), study, variant)

    return make


def stored(objective: TrialObjective, number: int = 0) -> Manifest:
    return study_folder(objective, number).require()


def study_folder(objective: TrialObjective, number: int):
    study: PlannedStudy = objective.study
    return objective.stage_data.data.folder.trial(study.study, number)


def predictions(objective: TrialObjective, name: str) -> np.ndarray:
    return np.load(io.BytesIO(study_folder(objective, 0).read(name)))


def average_precision(score: np.ndarray, positive: np.ndarray) -> float:
    """The slow way: precision at each positive row, rows with equal scores counted together."""
    return float(np.mean([positive[score >= score[i]].mean() for i in np.flatnonzero(positive)]))


def test_the_score_is_of_all_folds_rows_together(new_objective, data: RunData) -> None:
    objective, trial = new_objective(), StandInTrial()
    value = objective(trial)
    result = TrialResult.model_validate(stored(objective).facts)
    variant = data.args.variants()[0]
    folds = VariantFolds(data, variant, objective.stage_data.folds)
    y = np.concatenate([rows.scored.y for rows in folds.rows])
    fitted = [folds.fit(place, trial.params, patience=40) for place in range(5)]
    probabilities = np.concatenate([one.probabilities for one in fitted])
    assert value == pytest.approx(np.mean([average_precision(probabilities[:, k], y == k) for k in range(3)]))
    assert predictions(objective, "predictions.npy").dtype == np.float32
    assert np.array_equal(predictions(objective, "predictions.npy"), probabilities.astype(np.float32))
    assert predictions(objective, "structure_predictions.npy").shape == (len(y), 3)
    assert (result.state, result.value, result.parameters) == ("complete", value, trial.params)
    assert result.metrics["macro_average_precision"] == value
    assert trial.reported == {fold.fold: fold.value for fold in result.folds}
    assert [fold.n_validation for fold in result.folds] == [len(rows.scored.y) for rows in folds.rows]


def test_stage_2_has_one_fold_and_reports_nothing(new_objective) -> None:
    objective, trial = new_objective(stage=2), StandInTrial()
    value = objective(trial)
    (fold,) = TrialResult.model_validate(stored(objective).facts).folds
    assert fold.value == value
    assert trial.reported == {}


def test_a_committed_trial_is_told_without_training(new_objective, data: RunData) -> None:
    value = new_objective()(StandInTrial())
    without_columns = replace(data, matrix=np.empty((0, 0), np.float32))
    trial = StandInTrial()
    assert new_objective(data=without_columns)(trial) == value
    assert trial.reported == {}


def test_a_pruned_trial_commits_the_folds_that_it_came_to(new_objective, data: RunData) -> None:
    objective = new_objective()
    with pytest.raises(PrunedError, match="trial 0 is pruned after 2 folds"):
        objective(StandInTrial(prune_at=1))
    result = TrialResult.model_validate(stored(objective).facts)
    assert (result.state, result.value, result.metrics, len(result.folds)) == ("pruned", None, {}, 2)
    n_rows = sum(fold.n_validation for fold in result.folds)
    assert predictions(objective, "first_2_folds_predictions.npy").shape == (n_rows, 3)
    again = StandInTrial()
    with pytest.raises(PrunedError, match="trial 0 is pruned after 2 folds"):
        new_objective(data=replace(data, matrix=np.empty((0, 0), np.float32)))(again)
    assert again.reported == {}


def test_a_trial_that_has_all_folds_is_never_thrown_away(new_objective) -> None:
    objective = new_objective()
    assert objective(StandInTrial(prune_at=4)) == stored(objective).facts["value"]


def test_a_fold_without_a_class_reports_nothing_and_counts_in_the_score(new_objective, data: RunData) -> None:
    relabelled = RelabelledData(**{one.name: getattr(data, one.name) for one in fields(RunData)})
    objective, trial = new_objective(data=relabelled), StandInTrial()
    value = objective(trial)
    result = TrialResult.model_validate(stored(objective).facts)
    assert result.folds[0].value is None
    assert result.folds[0].n_validation > 0
    assert sorted(trial.reported) == [1, 2, 3, 4]
    n_rows = sum(fold.n_validation for fold in result.folds)
    assert predictions(objective, "predictions.npy").shape == (n_rows, 3)
    assert result.value == value


def test_a_worker_that_has_lost_its_trial_writes_nothing(new_objective) -> None:
    objective = new_objective()
    with pytest.raises(TakenOverError, match="another worker's now"):
        objective(StandInTrial(is_lost=True))
    assert study_folder(objective, 0).committed() is None


def test_a_trial_that_is_stored_with_another_point_is_refused(new_objective) -> None:
    objective = new_objective(stage=2)
    objective(StandInTrial())
    other = {**STAGE_1, "learning_rate": 0.1}
    with pytest.raises(DataError, match=r"trial 0 of study stage-2-\w+ is stored with .* delete runs/\w+/studies/"):
        objective(StandInTrial(params=other))


def test_a_point_gives_the_same_outputs_whatever_was_tried_before_it(new_objective) -> None:
    point = {**STAGE_1, "num_leaves": 7, "learning_rate": 0.1}
    first, later = new_objective(name="first"), new_objective(name="later")
    first(StandInTrial(params=point))
    later(StandInTrial(params={**STAGE_1, "max_depth": 3}))
    later(StandInTrial(number=1, params=point))
    assert stored(first).outputs == stored(later, 1).outputs != stored(later).outputs
