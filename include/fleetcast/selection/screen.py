"""Screen: drops columns that say nothing, or nothing new, by rules that see no label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

Reason = Literal["target_related", "missing", "unknown_after_warm_up", "one_value", "low_variance", "correlated"]
Matrix = npt.NDArray[np.float32]
CORRELATION_DECIMALS = 6  # so that the last bits of a matrix product, and with them the threads, decide nothing


@dataclass(frozen=True, kw_only=True)
class ScreenRules:
    """What a column must pass; shares are of rows. Source: design, section 3; ``min_variance`` is our own choice."""

    max_missing: float = 0.70
    max_unknown_after_warm_up: float = 0.90  # of the rows from the column's first value on
    max_one_value: float = 0.95  # of the known values
    min_variance: float = 1e-10  # a hundredth of a percent of log price has 1e-8
    max_correlation: float = 0.90
    max_sample_rows: int = 8000


@dataclass(frozen=True)
class Drop:
    """Why a column was dropped: the reason, the value that the rule refused, and the kept column it resembles."""

    reason: Reason
    value: float | None = None
    kept_column: str | None = None


class Screen:
    """Takes blocks of columns in their fixed order and keeps those that pass.

    A column that correlates with an earlier kept one is dropped, so the order decides which of a group stays. Memory
    holds the kept columns' sample alone: every k-th row, standardised, unknown values at the mean.

    Args:
        n_rows: rows of every block, all before the screen's end.
        rules: what a column must pass.
    """

    def __init__(self, n_rows: int, rules: ScreenRules) -> None:
        self.kept: list[str] = []
        self.dropped: dict[str, Drop] = {}
        self._rules = rules
        self._step = -(-n_rows // rules.max_sample_rows)
        self._samples: list[Matrix] = []  # of the kept columns, one array a block
        self._libraries = ThreadpoolController()

    def add_block(self, names: Sequence[str], values: Matrix) -> None:
        """Screens a block against the rules and the columns kept so far.

        Args:
            names: of its columns, ``(n_columns,)``.
            values: ``(n_rows, n_columns)``, NaN where unknown.
        """
        passed = []
        for i, name in enumerate(names):
            drop = self._judge_alone(values[:, i])
            if drop is None:
                passed.append(i)
            else:
                self.dropped[name] = drop
        if passed:
            with self._libraries.limit(limits=1, user_api="blas"):  # on busy cores several threads wait for each other
                self._keep_uncorrelated([names[i] for i in passed], _standardise(values[:: self._step, passed]))

    def _judge_alone(self, column: npt.NDArray[np.float32]) -> Drop | None:
        rules, known = self._rules, ~np.isnan(column)
        after_warm_up = known[int(np.argmax(known)) :]
        if known.any() and 1 - after_warm_up.mean() > rules.max_unknown_after_warm_up:
            return Drop("unknown_after_warm_up", float(1 - after_warm_up.mean()))
        if 1 - known.mean() > rules.max_missing:
            return Drop("missing", float(1 - known.mean()))
        seen = column[known].astype(np.float64)
        middle = np.partition(seen, len(seen) // 2)[len(seen) // 2]  # a value of more than half of the rows is this one
        if np.mean(seen == middle) > rules.max_one_value:
            return Drop("one_value", float(np.mean(seen == middle)))
        variance = float(np.var(seen))
        return Drop("low_variance", variance) if variance < rules.min_variance else None

    def _keep_uncorrelated(self, names: Sequence[str], sample: Matrix) -> None:
        """Greedy, in order: a column stays unless it resembles an earlier one that stayed."""
        wide = sample.astype(np.float64)
        earlier = np.hstack([np.empty((len(names), 0)), *(_correlations(wide, kept) for kept in self._samples)])
        within = _correlations(wide, sample)
        stayed: list[int] = []
        names_before = list(self.kept)
        for i, name in enumerate(names):
            found = np.concatenate([earlier[i], within[i, stayed]])
            closest = int(np.argmax(found)) if len(found) else -1
            if len(found) and found[closest] > self._rules.max_correlation:
                others = [*names_before, *(names[k] for k in stayed)]
                self.dropped[name] = Drop("correlated", float(found[closest]), others[closest])
            else:
                stayed.append(i)
        self.kept += [names[i] for i in stayed]
        self._samples.append(sample[:, stayed])


def _standardise(sample: Matrix) -> Matrix:
    """Columns of mean 0 and norm 1, unknown values at the mean; a column that does not move in the sample is 0."""
    wide = sample.astype(np.float64)
    known = ~np.isnan(wide)
    n_known = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, wide - np.where(known, wide, 0.0).sum(axis=0) / n_known, 0.0)
    norm = np.sqrt((centred**2).sum(axis=0))
    return np.asfortranarray((centred / np.where(norm > 0, norm, 1.0)).astype(np.float32))


def _correlations(wide: npt.NDArray[np.float64], kept: Matrix) -> npt.NDArray[np.float64]:
    """``(n_columns, n_kept)``: absolute values, summed in float64 and rounded."""
    return np.asarray(np.round(np.abs(wide.T @ kept.astype(np.float64)), CORRELATION_DECIMALS), dtype=np.float64)
