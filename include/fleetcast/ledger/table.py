"""From trials and their evidence to the ledger's table."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
import numpy.typing as npt

from fleetcast.ledger.effects import STATISTICS, Statistic
from fleetcast.ledger.evidence import Evidence
from fleetcast.ledger.families import Blocks, gather_families
from fleetcast.ledger.multiplicity import across_edges, as_normal, effective_number, expected_best, step_down_p
from fleetcast.ledger.overfitting import Overfitting, measure_overfitting
from fleetcast.ledger.promotion import reason_not_to_promote
from fleetcast.ledger.trials import FamilyRow, FamilyTest, Ledger, Tested, Trial, TrialRow, count_states


@dataclass(frozen=True)
class Chosen:
    """A family's best trial, and what it showed on the holdout, above nothing."""

    trial: Trial
    holdout: Mapping[Statistic, float]


@dataclass(frozen=True)
class Trials:
    """What the ledger is made from.

    Attributes:
        all: every trial of every stage, in the order to show; those that are not finished too.
        evidence: of the finished ones, in their order.
        earlier: by family, of its references before validation, as of so many trials.
        holdouts: by family, of its best on the holdout, as of one trial; families that nobody looked at are missing.
    """

    all: Sequence[Trial]
    evidence: Evidence
    earlier: Mapping[str, Evidence] = field(default_factory=dict)
    holdouts: Mapping[str, Evidence] = field(default_factory=dict)

    @property
    def finished(self) -> list[Trial]:
        """Those that the evidence is of."""
        return [trial for trial in self.all if trial.state == "finished"]


@dataclass(frozen=True)
class Setting:
    """What the table says of the run beside its trials; the words are those of `Ledger`."""

    run_key: str
    block_rows: int
    n_rows: Mapping[int, int]  # by stage, of the bar time that its trials are scored on
    earlier_rows: int  # before validation, that references are scored on
    holdout_rows: int
    holdout_looks: int
    all_holdout_looks: int

    def count_blocks(self, n_rows: int) -> int:
        """Of the bootstrap, that so many rows come from."""
        return -(-n_rows // self.block_rows)

    def blocks(self) -> Blocks:
        """Of the stretches of time that families are tested on."""
        rows = (self.earlier_rows, self.n_rows[1], self.holdout_rows)
        return Blocks(*map(self.count_blocks, rows))


def make_ledger(trials: Trials, chosen: Mapping[str, Chosen | None], *, setting: Setting) -> Ledger:
    """Tests all finished trials together and decides on the families' bests.

    Args:
        trials: of all stages.
        chosen: by family id, in the order to show; None where a family has no best.
        setting: of the run.
    """
    evidence = trials.evidence
    t_star = evidence.t_star.reshape(-1, evidence.t_star.shape[-1])
    best = expected_best(t_star)
    n_blocks = {stage: setting.count_blocks(n_rows) for stage, n_rows in setting.n_rows.items()}
    own_blocks = np.array([n_blocks[trial.stage] for trial in trials.finished], dtype=np.float64)
    t = as_normal(across_edges(evidence.t), n_blocks=own_blocks[:, None])
    rows = _rows(trials, p=step_down_p(t.reshape(-1), t_star).reshape(t.shape), best=best)
    tests = _test_families(trials, list(chosen), setting.blocks())
    return Ledger(
        run_key=setting.run_key,
        n_by_state=count_states(trials.all),
        n_tests=int(np.isfinite(evidence.t).sum()),
        n_draws=t_star.shape[-1],
        block_rows=setting.block_rows,
        n_blocks=max(n_blocks.values()) + setting.count_blocks(setting.holdout_rows),
        expected_best=_known(best),
        effective_number=_known(effective_number(t_star)),
        holdout_looks=setting.holdout_looks,
        all_holdout_looks=setting.all_holdout_looks,
        overfitting=_overfitting(trials),
        families=tuple(_families(trials, rows, chosen, tests=tests)),
        trials=tuple(rows.values()),
    )


def _rows(trials: Trials, *, p: npt.NDArray[np.float64], best: float) -> dict[Trial, TrialRow]:
    evidence = trials.evidence
    deflated = evidence.estimate - evidence.standard_error * best
    tested = {
        trial: {
            name: Tested(
                *(_known(values[place, k]) for values in (evidence.estimate, evidence.standard_error, deflated, p))
            )
            for k, name in enumerate(STATISTICS)
        }
        for place, trial in enumerate(trials.finished)
    }
    return {trial: TrialRow(trial, tested.get(trial, {})) for trial in trials.all}


def _test_families(trials: Trials, family_ids: Sequence[str], blocks: Blocks) -> dict[str, dict[Statistic, FamilyTest]]:
    found = gather_families(
        family_ids,
        trials.finished,
        trials.evidence,
        earlier=trials.earlier,
        holdouts=trials.holdouts,
        blocks=blocks,
    )
    t = as_normal(across_edges(found.t), n_blocks=found.n_blocks)
    p = step_down_p(t.reshape(-1), found.t_star.reshape(-1, found.t_star.shape[-1])).reshape(t.shape)
    return {
        family_id: {
            name: FamilyTest(_known(found.t[place, k]), _known(p[place, k])) for k, name in enumerate(STATISTICS)
        }
        for place, family_id in enumerate(family_ids)
    }


def _families(
    trials: Trials,
    rows: Mapping[Trial, TrialRow],
    chosen: Mapping[str, Chosen | None],
    *,
    tests: Mapping[str, Mapping[Statistic, FamilyTest]],
) -> Iterable[FamilyRow]:
    members = defaultdict(list)
    for trial in trials.all:
        members[trial.family_id].append(trial)
    for family_id, choice in chosen.items():
        best, holdout = (rows[choice.trial], choice.holdout) if choice else (None, {})
        reason = reason_not_to_promote(best, tests[family_id], holdout)
        yield FamilyRow(
            family_id=family_id,
            n_by_state=count_states(members[family_id]),
            tests=tests[family_id],
            best=best,
            holdout=holdout,
            promotable=reason is None,
            reason=reason,
            overfitting=_overfitting(trials, family_id),
        )


def _overfitting(trials: Trials, family_id: str | None = None) -> dict[Statistic, Overfitting]:
    """Compares scores in standard errors, as the tests do: raw maxima pick the smallest trials.

    Only trials on the same stretch of time have halves in common: where stages 3 and 4 chose the bests, theirs.
    """
    last = {trial.stage for trial in trials.finished} & {3, 4} or {1}
    places = [
        place
        for place, trial in enumerate(trials.finished)
        if trial.stage in last and family_id in (None, trial.family_id)
    ]
    with np.errstate(invalid="ignore"):
        scores = trials.evidence.half_scores[places] / trials.evidence.standard_error[places, :, None]
    return {name: measure_overfitting(scores[:, k]) for k, name in enumerate(STATISTICS)}


def _known(value: float) -> float | None:
    return float(value) if isfinite(value) else None
