"""How well directions were foretold: each score with a 95 % interval from a block bootstrap of time."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from fleetcast.metrics.bootstrap import block_weights
from fleetcast.metrics.ranking import Ranking

Probabilities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.integer[Any]]
Draws = npt.NDArray[np.float64]
N_DRAWS, BLOCK_ROWS = 2000, 20  # a month of trading days a block, so that draws keep the market's phases
TAILS = (2.5, 97.5)
N_CALIBRATION_BINS = 10


class Estimate(BaseModel):
    """A value and its 95 % interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None
    low: float | None
    high: float | None

    def excludes(self, nothing: float) -> int:
        """1 when the interval lies above, -1 when below, 0 when it holds the value or is not known."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > nothing) - int(self.high < nothing)


class Judged(NamedTuple):
    """One forecast's scores by name, and those of every draw, the undrawn rows first: ``(1 + n_draws,)``."""

    estimates: dict[str, Estimate]
    draws: dict[str, Draws]


def draw_weights(n_rows: int, *, seed: int) -> npt.NDArray[np.float32]:
    """How often each row appears: once in the first column, as drawn in the others. ``(n_rows, 1 + n_draws)``."""
    drawn = block_weights(n_rows, BLOCK_ROWS, n_draws=N_DRAWS, seed=seed)
    return np.concatenate([np.ones((n_rows, 1), np.float32), drawn], axis=1)


def judge(y: Labels, probability: Probabilities, weights: npt.NDArray[np.float32]) -> Judged:
    """All scores of one forecast.

    Args:
        y: ``(n_rows,)`` 1 for up, 0 for down, both there.
        probability: ``(n_rows,)`` of up; above one half says up.
        weights: from `draw_weights`, the same for all forecasts of the same rows.
    """
    draws = _count_scores(y == 1, probability > 0.5, weights)
    draws["brier"] = _mean((probability - y) ** 2, weights)
    up = Ranking(probability, y == 1)
    draws["roc_auc"] = up.roc_auc(weights)
    draws["average_precision"] = up.average_precision(weights)
    return Judged({name: estimate_from(values) for name, values in draws.items()}, draws)


def differences(model: Judged, baseline: Judged, *, names: tuple[str, ...]) -> dict[str, Estimate]:
    """The model's scores minus the baseline's, draw by draw."""
    return {name: estimate_from(model.draws[name] - baseline.draws[name]) for name in names}


def calibration_error(y: Labels, probability: Probabilities) -> float:
    """The mean distance between said and seen shares of up over bins of equal counts.

    Source: Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning", with equal counts.
    """
    bins = np.array_split(np.argsort(probability, kind="stable"), N_CALIBRATION_BINS)
    return float(sum(abs(y[rows].mean() - probability[rows].mean()) * len(rows) for rows in bins if len(rows)) / len(y))


def plain(estimates: Mapping[str, Estimate]) -> dict[str, dict[str, float | None]]:
    """For a manifest."""
    return {name: estimate.model_dump() for name, estimate in estimates.items()}


def _count_scores(
    up: npt.NDArray[np.bool_], said: npt.NDArray[np.bool_], weights: npt.NDArray[np.float32]
) -> dict[str, Draws]:
    hit, false_up, missed, true_down = (
        weights[rows].sum(axis=0, dtype=np.float64) for rows in (up & said, ~up & said, up & ~said, ~up & ~said)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        f1_up = 2 * hit / (2 * hit + false_up + missed)
        f1_down = 2 * true_down / (2 * true_down + false_up + missed)
        product = (hit + false_up) * (hit + missed) * (true_down + false_up) * (true_down + missed)
        return {
            "accuracy": (hit + true_down) / (hit + false_up + missed + true_down),
            "precision": hit / (hit + false_up),
            "recall": hit / (hit + missed),
            "f1": f1_up,
            "macro_f1": (np.nan_to_num(f1_up) + np.nan_to_num(f1_down)) / 2,
            "mcc": np.where(product > 0, (hit * true_down - false_up * missed) / np.sqrt(product), 0.0),
            "up_accuracy": hit / (hit + missed),
            "down_accuracy": true_down / (true_down + false_up),
        }


def _mean(values: Draws, weights: npt.NDArray[np.float32]) -> Draws:
    return np.asarray(values @ weights / weights.sum(axis=0), dtype=np.float64)


def estimate_from(draws: Draws) -> Estimate:
    """The first is the value; draws without one, such as those of one class, leave the interval."""
    known = draws[1:][np.isfinite(draws[1:])]
    low, high = np.percentile(known, TAILS) if len(known) else (np.nan, np.nan)
    return Estimate(value=_finite(draws[0]), low=_finite(low), high=_finite(high))


def _finite(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
