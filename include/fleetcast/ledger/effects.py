"""A trial's two statistics, over the draws of time and over its halves."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fleetcast.evaluation.judging import Distribution, direction, macro_average_precision
from fleetcast.labels.outcomes import CLASS_NAMES
from fleetcast.ledger.overfitting import half_weights
from fleetcast.metrics.bootstrap import TimeDraws

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
        span: tuple[int, int],
    ) -> None:
        self._y = y
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
            macro_average_precision(probabilities, y=self._y, weights=weights)[0]
            if self._can_judge(probabilities)
            else _unknown(weights)
            for weights in (self._draws, self._halves)
        ]

    def _direction(self, probabilities: Probabilities, weights: Weights) -> Distribution:
        if not self._can_judge(probabilities):
            return _unknown(weights)
        towards, nothing = direction(probabilities, y=self._y, weights=weights), NOTHING["direction"]
        return Distribution(towards.estimate - nothing, towards.draws - nothing)

    def _can_judge(self, probabilities: Probabilities) -> bool:
        return self._has_all_classes and bool(np.all(np.isfinite(probabilities)))


def _unknown(weights: Weights) -> Distribution:
    return Distribution(np.nan, np.full(weights.shape[1], np.nan))
