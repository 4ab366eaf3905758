"""The training CPU that each stage may take, stated before it begins and compared with what it took.

All seconds are CPU seconds inside LightGBM, of models and of the structure baselines that each is compared with;
binning and predicting are not in stage 1's cost that sets the total, and so not in the budget.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil

from fleetcast.errors import ConfigurationError
from fleetcast.splits.folds import N_FOLDS, WINDOW_PERCENT
from fleetcast.splits.parts import TRAIN_PERCENT

SHARES = {1: 0.25, 2: 0.15, 3: 0.35, 4: 0.25}
# What a trial of stage 2 takes, against its variant in stage 1: the space goes down to a tenth of stage 1's learning
# rate and up to five times its leaves. 14 points of `broad` at random took 2.4 times as long on average, half of them
# less than 1.6 times (600 rows, 40 columns). It is only used until trials are measured.
BROAD_FACTOR = 2.5
# Five fits on half of the time each, where stage 1 made one on 70 % of it: 3.57; measured on the same rows, 3.65.
FOLDS_FACTOR = N_FOLDS * WINDOW_PERCENT / TRAIN_PERCENT
MIN_SECONDS = 1e-3  # what a fit takes at least, so that a clock too coarse for it promises no endless trials
MAX_TRIALS = 10_000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Budget:
    """A stage's part of the total. ``planned`` is its share and what the stages before it left, or took too much."""

    stage: int
    total_cpu_seconds: float
    share: float
    planned_cpu_seconds: float
    spent_before: float

    @classmethod
    def of(cls, stage: int, *, total: float, spent: Mapping[int, float]) -> "Budget":
        """The budget of a stage.

        What a stage leaves flows to the next one alone, which passes on what it does not need in its turn.

        Args:
            stage: 2, 3 or 4.
            total: of all four stages, CPU seconds.
            spent: by each stage before it, the first among them.
        """
        before = sum(spent[earlier] for earlier in SHARES if earlier < stage)
        return cls(
            stage=stage,
            total_cpu_seconds=total,
            share=SHARES[stage],
            planned_cpu_seconds=_shares_until(stage) * total - before,
            spent_before=before,
        )

    def n_trials(self, expected_seconds: Sequence[float]) -> int:
        """How many trials each study gets: the same number for all, so that luck has as many chances in each.

        At least one, for the default point must be scored: where a stage before took so much that this stage has too
        little left for that, the total is exceeded, which is logged.

        Args:
            expected_seconds: of one trial of each study.
        """
        one_each = sum(expected_seconds)
        n_trials = int(self.planned_cpu_seconds // one_each) if one_each else 0
        if expected_seconds and n_trials < 1:
            log.warning(
                "stage %d has %.1f CPU seconds left for trials that take %.1f: each study gets one trial all the same",
                self.stage,
                self.planned_cpu_seconds,
                one_each,
            )
        return min(max(n_trials, 1), MAX_TRIALS)

    def facts(self) -> dict[str, float]:
        """For a manifest."""
        facts = asdict(self)
        del facts["stage"]
        return facts


def total_seconds(given: float | None, stage_1: float) -> float:
    """The total: what was given, or as much as makes stage 1's cost its share."""
    return stage_1 / SHARES[1] if given is None else given


def check_total(total: float, *, stage_1: float, one_trial_each: Mapping[int, float]) -> None:
    """Refuses a total that cannot hold one trial of each study in every stage, before any of it is spent.

    Args:
        total: that was asked for.
        stage_1: what stage 1 took.
        one_trial_each: by stage, what one trial of each of its studies is expected to take.

    Raises:
        ConfigurationError: it says how much is needed.
    """
    running, least, tightest = stage_1, 0.0, 0
    for stage, seconds in sorted(one_trial_each.items()):
        running += seconds
        if running / _shares_until(stage) > least:
            least, tightest = running / _shares_until(stage), stage
    if total < least:
        raise ConfigurationError(
            f"tuning_cpu_seconds={total:g} is too small for one trial of each study: stage 1 took {stage_1:.1f} s, and "
            f"one trial of each study of stage {tightest} takes about {one_trial_each[tightest]:.1f} s. Give "
            f"{ceil(least)} or more, or give the number of trials (tuning_trials)."
        )


def _shares_until(stage: int) -> float:
    return sum(share for earlier, share in SHARES.items() if earlier <= stage)
