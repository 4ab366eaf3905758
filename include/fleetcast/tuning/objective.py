"""From a trial to its score: fits a variant fold by fold and commits what it predicted before the service is told."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fleetcast.errors import DataError
from fleetcast.evaluation.judging import judge
from fleetcast.fleet.results import PREDICTIONS, STRUCTURE_PREDICTIONS, FoldResult, TrialResult
from fleetcast.fleet.variants import Variant
from fleetcast.job_args.tuning import TunedStage
from fleetcast.labels.outcomes import CLASS_NAMES
from fleetcast.metrics.bootstrap import TimeDraws, draw_time
from fleetcast.metrics.ranking import Ranking
from fleetcast.splits.folds import Fold
from fleetcast.store.manifests import StageFolder
from fleetcast.training.run_data import VALIDATION_DRAWS, RunData
from fleetcast.training.variant import npy_bytes
from fleetcast.training.variant_folds import FittedFold, VariantFolds
from fleetcast.tuning.planned_study import PATIENCE, PlannedStudy
from fleetcast.tuning.stage_folds import stage_folds
from fleetcast.tuning.worker import PrunedError, RunningTrial

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TunedStageData:
    """What all studies of a stage share."""

    data: RunData
    stage: TunedStage

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """Where time is cut."""
        return stage_folds(self.stage, self.data.parts.n_rows)

    @cached_property
    def draws(self) -> TimeDraws:
        """Bootstrap draws of the time that the folds are scored on, the same for all variants."""
        return draw_time(
            self.folds[0].train_end,
            self.folds[-1].end,
            block_rows=2 * max(self.data.args.horizon_bars),  # so that overlapping labels stay together
            n_draws=VALIDATION_DRAWS,
            seed=self.data.args.seed,
        )


class TrialObjective:
    """Evaluates one study's trials. The folds are read and binned when the first trial needs them, and then kept.

    Args:
        stage_data: what the stage's studies share.
        study: as planned.
        variant: that the study tunes.
    """

    def __init__(self, stage_data: TunedStageData, study: PlannedStudy, variant: Variant) -> None:
        self.stage_data = stage_data
        self.study = study
        self._variant = variant

    def __call__(self, trial: RunningTrial) -> float:
        """The trial's score; a trial that is committed already is not fitted again.

        Raises:
            PrunedError: others have done better by one of the folds before the last.
            TakenOverError: the trial is another worker's now.
            DataError: the variant cannot be scored on its folds, or the trial is stored with another point.
        """
        folder = self.stage_data.data.folder.trial(self.study.study, trial.number)
        manifest = folder.committed()
        result = self._evaluate(trial, folder) if manifest is None else TrialResult.model_validate(manifest.facts)
        if result.parameters != trial.params:
            raise DataError(
                f"trial {trial.number} of study {self.study.study} is stored with {result.parameters}: expected "
                f"{trial.params}. The study was made anew after its trials were stored: delete {folder.path} and run "
                "the stage again."
            )
        if result.value is None:
            raise PrunedError(f"trial {trial.number} is pruned after {len(result.folds)} folds")
        return result.value

    @cached_property
    def _folds(self) -> VariantFolds:
        return VariantFolds(self.stage_data.data, self._variant, self.stage_data.folds)

    def _evaluate(self, trial: RunningTrial, folder: StageFolder) -> TrialResult:
        started = time.process_time()
        fitted: list[FittedFold] = []
        scores: list[float | None] = []
        n_folds = len(self.stage_data.folds)
        is_pruned = False
        while len(fitted) < n_folds and not is_pruned:
            trial.check_lease()
            one = self._folds.fit(len(fitted), trial.params, patience=PATIENCE[self.stage_data.stage])
            fitted.append(one)
            scores.append(macro_average_precision(one.probabilities, one.rows.scored.y))
            is_pruned = n_folds > 1 and _is_pruned(trial, len(fitted) - 1, scores[-1]) and len(fitted) < n_folds
        trial.check_lease()  # a late worker writes nothing beside the one that has taken over
        metrics = {} if is_pruned else self._judge(fitted)
        result = TrialResult(
            study=self.study.study,
            number=trial.number,
            stage=self.stage_data.stage,
            family_id=self.study.family_id,
            variant_id=self.study.variant_id,
            parameters=trial.params,
            state="pruned" if is_pruned else "complete",
            value=metrics.get("macro_average_precision"),
            folds=tuple(_fold_result(k, *pair) for k, pair in enumerate(zip(fitted, scores, strict=True))),
            metrics=metrics,
            cpu_seconds=time.process_time() - started,
        )
        return self._commit(folder, fitted, result)

    def _judge(self, fitted: Sequence[FittedFold]) -> dict[str, float]:
        rows = np.concatenate([one.rows.scored.row for one in fitted])
        return judge(
            np.concatenate([one.probabilities for one in fitted]),
            np.concatenate([one.structure_probabilities for one in fitted]),
            y=np.concatenate([one.rows.scored.y for one in fitted]),
            weights=self.stage_data.draws.weights(rows),
        )

    def _commit(self, folder: StageFolder, fitted: Sequence[FittedFold], result: TrialResult) -> TrialResult:
        """Commits; returns the result that counts, which is another attempt's if that was first."""
        # Two attempts may end at different folds. Their outputs have different names, so that neither overwrites what
        # the other's manifest lists; under one name the content is the same.
        prefix = "" if result.state == "complete" else f"first_{len(fitted)}_folds_"
        for name, arrays in (
            (PREDICTIONS, [one.probabilities for one in fitted]),
            (STRUCTURE_PREDICTIONS, [one.structure_probabilities for one in fitted]),
        ):
            folder.write(f"{prefix}{name}", npy_bytes(np.concatenate(arrays).astype(np.float32)))
        manifest = folder.commit(inputs=self.stage_data.data.inputs, facts=result.model_dump(mode="json"))
        logger.info(
            "%s trial %d of %s is %s: value %s after %d folds, %.1f CPU seconds",
            result.family_id,
            result.number,
            result.study,
            result.state,
            result.value,
            len(result.folds),
            result.cpu_seconds,
        )
        return TrialResult.model_validate(manifest.facts)


def macro_average_precision(probabilities: npt.NDArray[np.float64], y: npt.NDArray[np.int8]) -> float | None:
    """Mean over the three classes of the average precision of one against the rest; None where a class is missing.

    Args:
        probabilities: (n_rows, 3).
        y: (n_rows,) classes.
    """
    classes = range(len(CLASS_NAMES))
    if not all(np.any(y == k) for k in classes):
        return None
    return float(np.mean([Ranking(probabilities[:, k], y == k).average_precision()[0] for k in classes]))


def _is_pruned(trial: RunningTrial, step: int, value: float | None) -> bool:
    """Reports a fold's score, if it has one; whether the study would end the trial here."""
    if value is None:
        return False
    try:
        trial.report(step, value)
    except PrunedError:
        return True
    return False


def _fold_result(place: int, fitted: FittedFold, value: float | None) -> FoldResult:
    return FoldResult(
        fold=place,
        n_fit=len(fitted.rows.fit.y),
        n_stop=len(fitted.rows.stop.y),
        n_validation=len(fitted.rows.scored.y),
        best_round=fitted.model.best_round,
        structure_best_round=fitted.structure.best_round,
        value=value,
        training_cpu_seconds=fitted.model.cpu_seconds,
        structure_cpu_seconds=fitted.structure.cpu_seconds,
    )
