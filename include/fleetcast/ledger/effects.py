"""A trial's two statistics, over the draws of time and over its halves.

Each fold's rows were predicted by a model of their own, with a scale of its own: rows are ranked in their fold before
they are pooled. On fleets with a planted direction, pooled probabilities showed less of it than any fold did.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from fleetcast.evaluation.judging import Distribution, macro_average_precision, towards_breakout
from fleetcast.labels.outcomes import CLASS_NAMES
from fleetcast.ledger.overfitting import half_weights
from fleetcast.metrics.bootstrap import TimeDraws
from fleetcast.metrics.ranking import Ranking

Statistic = Literal["delta", "direction"]
STATISTICS: tuple[Statistic, ...] = ("delta", "direction")
NOTHING: dict[Statistic, float] = {"delta": 0.0, "direction": 0.5}  # what a model without an edge shows

Probabilities = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]
Effects = tuple[Distribution, ...]  # in the order of STATISTICS, above nothing


@dataclass(frozen=True)
class TrialEffects:
    """Delta and direction - 0.5: estimates with the bootstrap's draws, and with the scores of the halves of time."""

    over_draws: Effects
    over_halves: Effects


class VariantJudge:
    """Judges trials of one variant on the same rows.

    Args:
        y: (n_rows,) classes.
        row: (n_rows,) timeline rows of the events.
        end_row: (n_rows,) timeline rows where their labels end.
        draws: of a span of time that holds all rows; the same for all variants and stages.
        fold: (n_rows,) which model has predicted each row.
        span: the part of that time that the rows are taken from, whose halves are compared: its first timeline row
            and the row after its last one.
    """

    def __init__(
        self,
        y: npt.NDArray[np.int8],
        *,
        row: npt.NDArray[np.integer[Any]],
        end_row: npt.NDArray[np.integer[Any]],
        draws: TimeDraws,
        fold: npt.NDArray[np.integer[Any]],
        span: tuple[int, int],
    ) -> None:
        self._y = y
        self._fold = fold
        self._draws = draws.weights(row)
        self._halves = half_weights(row, end_row, start=span[0], stop=span[1])
        self._has_all_classes = len(np.unique(y)) == len(CLASS_NAMES)

    def effects_of(self, probabilities: Probabilities, structure: Probabilities) -> TrialEffects:
        """Of one trial.

        Args:
            probabilities: (n_rows, 3) out of fold, in the order breakout, reversal, neither.
            structure: (n_rows, 3) its structure baseline's.

        Returns:
            NaN for both statistics when a class has no row or a probability is none.
        """
        pairs = zip(self._macro(probabilities), self._macro(structure), (self._draws, self._halves), strict=True)
        effects = [(own - baseline, self._direction(probabilities, weights)) for own, baseline, weights in pairs]
        return TrialEffects(*effects)

    def _macro(self, probabilities: Probabilities) -> list[Distribution]:
        return [
            macro_average_precision(rank_in_fold(probabilities, self._fold), y=self._y, weights=weights)[0]
            if self._can_judge(probabilities)
            else _unknown(weights)
            for weights in (self._draws, self._halves)
        ]

    def _direction(self, probabilities: Probabilities, weights: Weights) -> Distribution:
        if not self._can_judge(probabilities):
            return _unknown(weights)
        decided, nothing = self._y < 2, NOTHING["direction"]
        score = rank_in_fold(towards_breakout(probabilities)[:, None], self._fold)[:, 0]
        ranking = Ranking(score[decided], self._y[decided] == 0)
        return Distribution(float(ranking.roc_auc()[0]) - nothing, ranking.roc_auc(weights[decided]) - nothing)

    def _can_judge(self, probabilities: Probabilities) -> bool:
        return self._has_all_classes and bool(np.all(np.isfinite(probabilities)))


def rank_in_fold(scores: Probabilities, fold: npt.NDArray[np.integer[Any]]) -> Probabilities:
    """Each column's ranks within each fold, between 0 and 1; equal scores share their mean rank.

    Args:
        scores: (n_rows, n_columns).
        fold: (n_rows,) which rows are ranked together.
    """
    ranks = np.empty(scores.shape)
    for one in np.unique(fold):
        own = fold == one
        ranks[own] = stats.rankdata(scores[own], axis=0) / (np.count_nonzero(own) + 1)
    return ranks


def _unknown(weights: Weights) -> Distribution:
    return Distribution(np.nan, np.full(weights.shape[1], np.nan))
