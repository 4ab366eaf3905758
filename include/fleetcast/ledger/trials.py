"""Trials of all stages, and what the ledger says of each: plain values that JSON can hold."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from fleetcast.ledger.effects import Statistic
from fleetcast.ledger.overfitting import Overfitting

# finished: has out-of-fold predictions and is judged; unjudged: too few rows to; skipped: never trained
TrialState = Literal["finished", "unjudged", "skipped", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """One try at one variant; stage 1 tries each variant once, as number 0 and without a study."""

    variant_id: str
    family_id: str
    stage: int
    number: int
    state: TrialState
    reason: str | None = None  # why it is not finished
    study: str | None = None

    @property
    def name(self) -> str:
        """Such as ``btc-w10-high-h20-d1.5-t1.0``, with the stage and the number where they tell trials apart."""
        return self.variant_id if self.stage == 1 else f"{self.variant_id} stage {self.stage} trial {self.number}"


@dataclass(frozen=True)
class Tested:
    """One statistic of one finished trial, above nothing; None where it cannot be tested."""

    estimate: float | None
    standard_error: float | None
    deflated: float | None  # estimate - standard error x the expected best of all tests
    p: float | None  # adjusted for all tests of all trials


@dataclass(frozen=True)
class TrialRow:
    """A trial with its two statistics; without them where it is not finished."""

    trial: Trial
    statistics: Mapping[Statistic, Tested]


@dataclass(frozen=True)
class FamilyTest:
    """One statistic of all of a family's finished trials and its look at the holdout; None where there is no test."""

    t: float | None  # the mean T, in its own standard errors
    p: float | None  # adjusted for all families and both statistics


@dataclass(frozen=True)
class FamilyRow:
    """A family: its trials' ends and tests, the best one, its one look at the holdout and whether it may be promoted.

    ``holdout`` is above nothing, as the estimates are, and empty where nobody looked.
    """

    family_id: str
    n_by_state: Mapping[TrialState, int]
    tests: Mapping[Statistic, FamilyTest]
    best: TrialRow | None
    holdout: Mapping[Statistic, float]
    promotable: bool
    reason: str | None  # why not
    overfitting: Mapping[Statistic, Overfitting]


@dataclass(frozen=True)
class Ledger:
    """The whole table.

    Attributes:
        run_key: of the run whose trials they are.
        n_by_state: all trials, failed and pruned ones too.
        n_tests: finished trials times statistics, of those that can be tested.
        n_draws: of the bootstrap.
        block_rows: rows of bar time in one of its blocks.
        n_blocks: blocks in a draw, the holdout's too; with few of them the standard errors are rough, and what is
            scored on a part of that time has fewer.
        expected_best: the largest T that as many tests without an effect would show; None without a test.
        effective_number: of independent tests; shown, never used.
        holdout_looks: how often a model of this run met the holdout.
        all_holdout_looks: and a model of any run on the same bars, until now.
        overfitting: by statistic, over the finished trials that the bests were chosen from last.
        families: in the grid's order.
        trials: all of them, in the order given.
    """

    run_key: str
    n_by_state: Mapping[TrialState, int]
    n_tests: int
    n_draws: int
    block_rows: int
    n_blocks: int
    expected_best: float | None
    effective_number: float | None
    holdout_looks: int
    all_holdout_looks: int
    overfitting: Mapping[Statistic, Overfitting]
    families: tuple[FamilyRow, ...]
    trials: tuple[TrialRow, ...]

    @property
    def promotable(self) -> list[FamilyRow]:
        """The families whose best may be promoted."""
        return [family for family in self.families if family.promotable]


def count_states(trials: Iterable[Trial]) -> dict[TrialState, int]:
    """How many trials ended how; states without any are left out."""
    return dict(Counter(trial.state for trial in trials))
