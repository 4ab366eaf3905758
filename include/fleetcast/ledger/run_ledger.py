"""The ledger of a run: made from what its trials predicted, and kept as a stage of the run."""

import json
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from fleetcast.evaluation.report_inputs import read_inputs
from fleetcast.fleet.variants import Grid
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.ledger.evidence import gather_evidence
from fleetcast.ledger.multiplicity import HORIZONS_A_BLOCK
from fleetcast.ledger.run_trials import RunTrials
from fleetcast.ledger.table import Setting, Trials, make_ledger
from fleetcast.ledger.trials import FamilyRow, Ledger
from fleetcast.metrics.bootstrap import TimeDraws, draw_time
from fleetcast.store.holdout import count_looks
from fleetcast.store.manifests import RunFolder, StageFolder

N_DRAWS = 1000
LEDGER_FILE = "ledger.json"


def read_run_trials(run: RunFolder, args: FleetJobArgs) -> RunTrials:
    """Opens a run whose family bests are chosen and, where it is tuned, have met the holdout.

    Raises:
        StoreError: a stage is not done.
    """
    return RunTrials(run, args, read_inputs(run, args, dataset_rev=args.dataset_rev))


def make_run_ledger(trials: RunTrials) -> Ledger:
    """Tests every finished trial of every stage, and the bests on the holdout, on the same draws of time.

    Raises:
        DataError: the run does not hold what its trials or their baselines predicted.
        StoreError: a stage is not done, or an object does not match its manifest.
    """
    chosen = trials.chosen()
    draws = draw_scored_time(trials)
    evidence = gather_evidence(trials.effects(draws), n_trials=len(trials.finished), n_draws=draws.n_draws)
    earlier = {
        family_id: gather_evidence(effects, n_trials=len(effects), n_draws=draws.n_draws)
        for family_id, effects in trials.earlier_effects(draws).items()
    }
    holdouts = {
        family_id: gather_evidence([effects], n_trials=1, n_draws=draws.n_draws)
        for family_id, effects in trials.holdout_effects(draws)
    }
    looks = trials.run.stage("holdout" if trials.args.tune else "family_bests").require().facts["holdout_looks"]
    all_looks = count_looks(trials.run.store, dataset_rev=trials.args.dataset_rev)
    setting = Setting(
        run_key=trials.run.run_key,
        block_rows=block_rows(trials.args),
        n_rows={stage: trials.span(stage)[1] - trials.span(stage)[0] for stage in trials.stages},
        earlier_rows=trials.earlier[1] - trials.earlier[0],
        holdout_rows=trials.holdout[1] - trials.holdout[0],
        holdout_looks=looks,
        all_holdout_looks=max(looks, all_looks),  # an earlier version's runs noted none
    )
    return make_ledger(Trials(trials.all, evidence, earlier=earlier, holdouts=holdouts), chosen, setting=setting)


def draw_scored_time(trials: RunTrials) -> TimeDraws:
    """Draws of the time from the first row that anything is scored on to the holdout's last one."""
    return draw_time(
        trials.earlier[0], trials.holdout[1], block_rows=block_rows(trials.args), n_draws=N_DRAWS, seed=trials.args.seed
    )


def block_rows(grid: Grid) -> int:
    """Rows of a bootstrap block."""
    return HORIZONS_A_BLOCK * max(grid.horizon_bars)


def ledger_json(ledger: Ledger) -> bytes:
    """The whole ledger; equal ledgers give equal bytes."""
    return json.dumps(asdict(ledger)).encode()


def load_ledger(folder: StageFolder) -> Ledger | None:
    """The inverse, from its stage; None while that is not committed.

    Raises:
        StoreError: the object does not match its manifest.
    """
    return None if folder.committed() is None else TypeAdapter(Ledger).validate_json(folder.read(LEDGER_FILE))


def count_beside(run: RunFolder, held: Collection[str | None]) -> int:
    """How many trials the run has of studies that are not ``held``, such as by hand; they promote nothing."""
    beside = [study for study in run.store.list_folders(f"{run.path}/studies") if study not in held]
    return sum(len(run.store.list_folders(f"{run.study(study).path}/trials")) for study in beside)


def describe_verdicts(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """By family, for a manifest: whether it is promotable, the reason why not, and the numbers of its best."""
    return {family.family_id: _verdict(family) for family in ledger.families}


def _verdict(family: FamilyRow) -> dict[str, Any]:
    best = family.best
    return {
        "promotable": family.promotable,
        "reason": family.reason,
        "tests": {name: asdict(test) for name, test in family.tests.items()},
        "trial": best and asdict(best.trial),
        "statistics": {name: asdict(tested) for name, tested in best.statistics.items()} if best else {},
        "holdout": dict(family.holdout),  # above nothing
    }
