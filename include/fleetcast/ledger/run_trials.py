"""Every trial of a run, as its manifests tell: what became of it, and what it predicted out of fold."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fleetcast.errors import DataError
from fleetcast.evaluation.report_inputs import ReportInputs
from fleetcast.fleet.results import EARLIER, PREDICTIONS, STRUCTURE_PREDICTIONS, FamilyBest, VariantResult
from fleetcast.fleet.variants import Family, Variant
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.labels.families import FamilyLabels, VariantLabels, load_family_labels
from fleetcast.labels.outcomes import CLASS_NAMES
from fleetcast.ledger.effects import NOTHING, STATISTICS, TrialEffects, VariantJudge
from fleetcast.ledger.table import Chosen
from fleetcast.ledger.trials import Trial, TrialState
from fleetcast.metrics.bootstrap import TimeDraws
from fleetcast.splits.folds import rolling_folds
from fleetcast.splits.parts import Parts, part_rows
from fleetcast.store.manifests import RunFolder, StageFolder

TUNED_STAGES = (2, 3, 4)
N_THREADS = 8  # a remote store answers them side by side, and arrays are computed without the interpreter's lock
ENDS: dict[str, TrialState] = {"complete": "finished", "pruned": "pruned", "failed": "failed"}  # as studies say
Slices = Sequence[tuple[int, int]]  # of the timeline: first row, and the row after the last one
PRUNED = "others had done better by one of its folds"


@dataclass(frozen=True)
class RunTrials:
    """The trials of a run that is over.

    Attributes:
        run: its folder.
        args: its arguments; with ``tune`` it has stages 2 to 4.
        inputs: what the manifests of stage 1 say.
    """

    run: RunFolder
    args: FleetJobArgs
    inputs: ReportInputs

    @cached_property
    def all(self) -> list[Trial]:
        """Family by family in the grid's order, stage by stage; each stage 1 tries all variants once."""
        failed, tuned = self.run.failed_variants(), self._tuned_trials()
        trials = []
        for family in self.args.families():
            for variant in self.args.variants_of(family):
                result = self.inputs.results.get(variant.variant_id)
                trials.append(_stage_1_trial(variant, result, failed=variant.variant_id in failed))
            trials += [trial for trial in tuned if trial.family_id == family.family_id]
        return trials

    @property
    def finished(self) -> list[Trial]:
        """Those that have predictions to compare."""
        return [trial for trial in self.all if trial.state == "finished"]

    @property
    def stages(self) -> tuple[int, ...]:
        """Those that the run has."""
        return (1, *TUNED_STAGES) if self.args.tune else (1,)

    def slices(self, stage: int) -> Slices:
        """The stretches of the timeline whose rows a stage's trials are scored on, each without what reaches out of it.

        Stage 2 is scored where stage 1 is, stages 3 and 4 on the rows of all folds.
        """
        n_rows = self.inputs.facts["labels"]["n_rows"]
        if stage in (1, 2):
            return [Parts.of(n_rows).bounds("validation")]
        return [(fold.train_end, fold.end) for fold in rolling_folds(n_rows)]

    def span(self, stage: int) -> tuple[int, int]:
        """From the first row of its slices to the row after the last one."""
        slices = self.slices(stage)
        return slices[0][0], slices[-1][1]

    @property
    def earlier(self) -> tuple[int, int]:
        """The first row after the columns were selected, and validation's first one."""
        parts = Parts.of(self.inputs.facts["labels"]["n_rows"])
        return parts.screen_end, parts.train_end

    @property
    def holdout(self) -> tuple[int, int]:
        """The holdout's first row and the row after its last one."""
        return Parts.of(self.inputs.facts["labels"]["n_rows"]).bounds("holdout")

    def effects(self, draws: TimeDraws) -> Iterator[TrialEffects]:
        """Of each finished trial, in their order; what was read for a family is let go before the next one.

        Raises:
            DataError: the run does not hold what its trials or their baselines predicted.
            StoreError: an object does not match its manifest.
        """
        for family in self.args.families():
            labels = load_family_labels(self.run.stage("labels"), family.family_id)
            trials = [trial for trial in self.finished if trial.family_id == family.family_id]
            with ThreadPoolExecutor(N_THREADS) as pool:
                yield from pool.map(partial(self._effects_of, draws, labels), trials)

    def earlier_effects(self, draws: TimeDraws) -> dict[str, list[TrialEffects]]:
        """Of each family's references, which nothing has chosen, on the time before validation.

        Raises:
            StoreError: an object does not match its manifest.
        """
        found = {}
        for family in self.args.families():
            labels = load_family_labels(self.run.stage("labels"), family.family_id)
            folders = {v.variant_id: self.run.variant(v.variant_id) for v in self.args.variants_of(family)}
            found[family.family_id] = [
                self._judge(draws, labels, variant_id, folder=folder, slices=[self.earlier], prefix=EARLIER)
                for variant_id, folder in folders.items()
                if (manifest := folder.committed()) and f"{EARLIER}{PREDICTIONS}" in manifest.outputs
            ]
        return found

    def holdout_effects(self, draws: TimeDraws) -> Iterator[tuple[str, TrialEffects]]:
        """Of each family's best that has met the holdout.

        Raises:
            DataError: the run does not hold what was predicted there.
            StoreError: an object does not match its manifest.
        """
        folder = self.run.stage("holdout" if self.args.tune else "family_bests")
        for family_id, choice in self.chosen().items():
            if choice is not None and choice.holdout:
                labels = load_family_labels(self.run.stage("labels"), family_id)
                yield (
                    family_id,
                    self._judge(
                        draws,
                        labels,
                        choice.trial.variant_id,
                        folder=folder,
                        slices=[self.holdout],
                        prefix=f"{family_id}.",
                    ),
                )

    def chosen(self) -> dict[str, Chosen | None]:
        """The trial that each family's best comes from, with its look at the holdout, in the grid's order.

        Raises:
            DataError: a best is none of the trials.
        """
        looked = self.run.stage("holdout").require().facts["families"] if self.args.tune else None
        points = self.run.tuning_result(4).require().facts["tuned"] if self.args.tune else None
        return {family.family_id: self._chosen(family, looked, points) for family in self.args.families()}

    def _chosen(
        self, family: Family, looked: Mapping[str, Any] | None, points: Mapping[str, Any] | None
    ) -> Chosen | None:
        best = self.inputs.bests[family.family_id]
        if looked is None or points is None:
            key = (None, best.variant_id)
        elif family.family_id in points:
            best = FamilyBest.model_validate(looked[family.family_id])
            key = (points[family.family_id]["study"], points[family.family_id]["number"])
        else:
            return None
        if best.variant_id is None:
            return None
        holdout = {name: best.holdout[name] - NOTHING[name] for name in STATISTICS if name in best.holdout}
        if key not in self._by_key:
            raise DataError(
                f"the best of {family.family_id}, {key[1]} of {key[0] or 'stage 1'}, is none of the trials of run "
                f"{self.run.run_key}. Trigger a new run."
            )
        return Chosen(self._by_key[key], holdout)

    @cached_property
    def _by_key(self) -> dict[tuple[str | None, str | int | None], Trial]:
        """Stage 1's trials by variant, the others by study and number."""
        return {(t.study, t.variant_id if t.study is None else t.number): t for t in self.all}

    @cached_property
    def _variants(self) -> dict[str, Variant]:
        return {variant.variant_id: variant for variant in self.args.variants()}

    def _tuned_trials(self) -> list[Trial]:
        trials = []
        for stage in TUNED_STAGES if self.args.tune else ():
            folder = self.run.tuning_result(stage)
            for family_id, outcome in folder.require().facts["families"].items():
                listed = json.loads(folder.read(f"{family_id}/all_trials.json"))
                trials += [_tuned_trial(one, stage, family_id=family_id, outcome=outcome) for one in listed]
        return trials

    def _effects_of(self, draws: TimeDraws, labels: FamilyLabels, trial: Trial) -> TrialEffects:
        slices = self.slices(trial.stage)
        return self._judge(draws, labels, trial.variant_id, folder=self._folder(trial), slices=slices)

    def _judge(
        self,
        draws: TimeDraws,
        labels: FamilyLabels,
        variant_id: str,
        *,
        folder: StageFolder,
        slices: Slices,
        prefix: str = "",
    ) -> TrialEffects:
        view = labels.variant_view(self._variants[variant_id], self.args)
        rows, fold = scored_rows(view, slices)
        own, structure = (
            _read_predictions(folder, f"{prefix}{name}", n_rows=len(rows.y))
            for name in (PREDICTIONS, STRUCTURE_PREDICTIONS)
        )
        span = slices[0][0], slices[-1][1]
        judge = VariantJudge(rows.y, row=rows.row, end_row=rows.end_row, draws=draws, fold=fold, span=span)
        return judge.effects_of(own, structure)

    def _folder(self, trial: Trial) -> StageFolder:
        if trial.study is None:
            return self.run.variant(trial.variant_id)
        return self.run.trial(trial.study, trial.number)


def scored_rows(view: VariantLabels, slices: Slices) -> tuple[VariantLabels, npt.NDArray[np.int64]]:
    """The labels of a variant that lie in one of the slices from the event to their end, in order of time.

    Returns:
        The labels, and the slice of each.
    """
    fold = np.full(len(view.row), -1, dtype=np.int64)
    for place, (start, stop) in enumerate(slices):
        fold[part_rows(view.row, view.end_row, start=start, stop=stop)] = place
    inside = fold >= 0
    return view.where(inside), fold[inside]


def _stage_1_trial(variant: Variant, result: VariantResult | None, *, failed: bool) -> Trial:
    state, reason = _end(result, failed=failed)
    return Trial(variant.variant_id, variant.family.family_id, stage=1, number=0, state=state, reason=reason)


def _end(result: VariantResult | None, *, failed: bool) -> tuple[TrialState, str | None]:
    if result is None:
        return "failed", "its last attempt failed" if failed else "it has no manifest"
    if result.status == "skipped":
        return "skipped", result.reason
    return ("finished", None) if result.judged else ("unjudged", result.unjudged_reason)


def _tuned_trial(one: Mapping[str, Any], stage: int, *, family_id: str, outcome: Mapping[str, Any]) -> Trial:
    state = ENDS[one["state"]]
    reason = {"finished": None, "pruned": PRUNED}.get(state, one["reason"])
    return Trial(
        outcome["variant_id"],
        family_id,
        stage=stage,
        number=one["number"],
        state=state,
        reason=reason,
        study=outcome["study"],
    )


def _read_predictions(folder: StageFolder, name: str, *, n_rows: int) -> npt.NDArray[np.float64]:
    if name not in folder.require().outputs:
        raise DataError(
            f"{folder.path} holds no {name}: an earlier version trained it and did not keep what the ledger "
            "compares. Trigger a new run."
        )
    predictions = np.load(io.BytesIO(folder.read(name)), allow_pickle=False)
    if predictions.shape != (n_rows, len(CLASS_NAMES)):
        raise DataError(
            f"{folder.path}/{name} has shape {predictions.shape}: expected {(n_rows, len(CLASS_NAMES))}, a row for "
            "each label that it is scored on. Trigger a new run."
        )
    return np.asarray(predictions, dtype=np.float64)
