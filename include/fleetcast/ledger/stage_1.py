"""Stage 1's trials, read from the manifests of a finished run: one of each variant, judged on validation."""

import io
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from fleetcast.errors import DataError
from fleetcast.evaluation.report_inputs import ReportInputs, read_inputs
from fleetcast.fleet.results import FamilyBest, VariantResult
from fleetcast.fleet.variants import Grid, Variant
from fleetcast.labels.families import FamilyLabels, load_family_labels
from fleetcast.labels.outcomes import CLASS_NAMES
from fleetcast.ledger.effects import NOTHING, STATISTICS, TrialEffects, VariantJudge
from fleetcast.ledger.evidence import gather_evidence
from fleetcast.ledger.table import Chosen, Setting, Trials, make_ledger
from fleetcast.ledger.trials import Ledger, Trial, TrialState
from fleetcast.metrics.bootstrap import TimeDraws, draw_time
from fleetcast.splits.parts import Parts, part_rows
from fleetcast.store.holdout import count_looks
from fleetcast.store.manifests import RunFolder, StageFolder

N_DRAWS = 1000
PREDICTIONS, STRUCTURE_PREDICTIONS = "predictions.npy", "structure_predictions.npy"
N_THREADS = 8  # a remote store answers them side by side, and arrays are computed without the interpreter's lock


@dataclass(frozen=True)
class Stage1:
    """A finished run's stage 1.

    Attributes:
        run: its folder.
        grid: the fleet.
        inputs: what its manifests say.
        draws: of the validation's bar time.
    """

    run: RunFolder
    grid: Grid
    inputs: ReportInputs
    draws: TimeDraws

    def trials(self) -> list[Trial]:
        """One a variant, in the grid's order."""
        failed = self.run.failed_variants()
        return [
            _trial(variant, self.inputs.results.get(variant.variant_id), failed=variant.variant_id in failed)
            for variant in self.grid.variants()
        ]

    def effects(self, trials: list[Trial]) -> Iterator[TrialEffects]:
        """Of each finished trial, in their order."""
        finished = {trial.variant_id for trial in trials if trial.state == "finished"}
        for family in self.grid.families():
            labels = load_family_labels(self.run.stage("labels"), family.family_id)
            variants = [v for v in self.grid.variants_of(family) if v.variant_id in finished]
            with ThreadPoolExecutor(N_THREADS) as pool:  # family by family, so that few arrays wait to be used
                yield from pool.map(partial(self._effects_of, labels), variants)

    def _effects_of(self, labels: FamilyLabels, variant: Variant) -> TrialEffects:
        view = labels.variant_view(variant, self.grid)
        rows = view.where(part_rows(view.row, view.end_row, start=self.draws.start, stop=self.draws.stop))
        folder, n_rows = self.run.variant(variant.variant_id), len(rows.y)
        structure = _read_predictions(folder, STRUCTURE_PREDICTIONS, n_rows=n_rows)
        judge = VariantJudge(structure, rows.y, row=rows.row, end_row=rows.end_row, draws=self.draws)
        return judge.effects_of(_read_predictions(folder, PREDICTIONS, n_rows=n_rows))


def read_stage_1(run: RunFolder) -> Stage1:
    """Opens a finished run.

    Raises:
        StoreError: the run is not there, or its family bests are not chosen.
    """
    plan = run.stage("plan").require().facts
    grid = Grid(**{name: plan[name] for name in Grid.model_fields})
    inputs = read_inputs(run, grid, dataset_rev=plan["dataset_rev"])
    start, stop = Parts.of(inputs.facts["labels"]["n_rows"]).bounds("validation")
    draws = draw_time(start, stop, block_rows=block_rows(grid), n_draws=N_DRAWS, seed=plan["seed"])
    return Stage1(run, grid, inputs, draws)


def make_stage_1_ledger(stage: Stage1) -> Ledger:
    """The ledger of stage 1 alone.

    Raises:
        DataError: the run does not hold what its baselines predicted.
        StoreError: an object does not match its manifest.
    """
    trials = stage.trials()
    n_finished = sum(trial.state == "finished" for trial in trials)
    evidence = gather_evidence(stage.effects(trials), n_trials=n_finished, n_draws=stage.draws.n_draws)
    own_looks = stage.inputs.facts["family_bests"]["holdout_looks"]
    all_looks = count_looks(stage.run.store, dataset_rev=stage.inputs.facts["plan"]["dataset_rev"])
    setting = Setting(
        run_key=stage.run.run_key,
        block_rows=block_rows(stage.grid),
        n_rows=len(stage.draws.counts),
        holdout_looks=own_looks,
        all_holdout_looks=max(own_looks, all_looks),  # an earlier version's runs noted none
    )
    by_variant = {trial.variant_id: trial for trial in trials}
    chosen = {
        family.family_id: _chosen(stage.inputs.bests[family.family_id], by_variant) for family in stage.grid.families()
    }
    return make_ledger(Trials(trials, evidence), chosen, setting=setting)


def block_rows(grid: Grid) -> int:
    """Rows of a bootstrap block: twice the longest horizon, so that overlapping labels stay together."""
    return 2 * max(grid.horizon_bars)


def _trial(variant: Variant, result: VariantResult | None, *, failed: bool) -> Trial:
    state, reason = _end(result, failed=failed)
    return Trial(variant.variant_id, variant.family.family_id, stage=1, number=0, state=state, reason=reason)


def _end(result: VariantResult | None, *, failed: bool) -> tuple[TrialState, str | None]:
    if result is None:
        return "failed", "its last attempt failed" if failed else "it has no manifest"
    if result.status == "skipped":
        return "skipped", result.reason
    return ("finished", None) if result.judged else ("unjudged", result.unjudged_reason)


def _chosen(best: FamilyBest, trials: Mapping[str, Trial]) -> Chosen | None:
    if best.variant_id is None:
        return None
    holdout = {name: best.holdout[name] - NOTHING[name] for name in STATISTICS if name in best.holdout}
    return Chosen(trials[best.variant_id], holdout)


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
            "each validation label. Trigger a new run."
        )
    return np.asarray(predictions, dtype=np.float64)
