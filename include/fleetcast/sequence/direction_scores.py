"""How well directions were foretold: each score with a 95 % interval from a block bootstrap of time."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from scipy import stats

from fleetcast.metrics.bootstrap import block_weights
from fleetcast.metrics.ranking import Ranking

Probabilities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.integer[Any]]
Draws = npt.NDArray[np.float64]
N_DRAWS, BLOCK_ROWS = 2000, 20  # a month of trading days a block, so that draws keep the market's phases
CONFIDENCE = 0.95
FEWEST_BLOCKS = 3  # with fewer, draws are much the same days each, and an interval would say more than is known
N_CALIBRATION_BINS, N_CALIBRATED_DRAWS = 10, 1000


class Estimate(BaseModel):
    """A value and its 95 % interval; None where there is none, as on fewer days than `FEWEST_BLOCKS` blocks."""

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
    """One forecast's scores by name, and those of every draw, the undrawn rows first: ``(1 + n_draws,)``.

    Attributes:
        n_blocks: that the rows hold.
    """

    estimates: dict[str, Estimate]
    draws: dict[str, Draws]
    n_blocks: float


class BlockDraws(NamedTuple):
    """Draws of blocks of days.

    Attributes:
        weights: ``(n_rows, 1 + n_draws)``, how often each row appears: once in the first column, then as drawn.
        n_blocks: that the rows hold.
    """

    weights: npt.NDArray[np.float32]
    n_blocks: float


def draw_blocks(n_rows: int, *, seed: int, block_rows: int = BLOCK_ROWS) -> BlockDraws:
    """Draws days; blocks must be longer than what neighbouring days foretell in common."""
    drawn = block_weights(n_rows, block_rows, n_draws=N_DRAWS, seed=seed)
    return BlockDraws(np.concatenate([np.ones((n_rows, 1), np.float32), drawn], axis=1), n_rows / block_rows)


def judge(y: Labels, probability: Probabilities, blocks: BlockDraws) -> Judged:
    """All scores of one forecast.

    Args:
        y: ``(n_rows,)`` 1 for up, 0 for down, both there.
        probability: ``(n_rows,)`` of up; above one half says up.
        blocks: from `draw_blocks`, the same for all forecasts of the same rows.
    """
    weights, n_blocks = blocks
    draws = _count_scores(y == 1, probability > 0.5, weights)
    draws["brier"] = _mean((probability - y) ** 2, weights)
    up = Ranking(probability, y == 1)
    draws["roc_auc"] = up.roc_auc(weights)
    draws["average_precision"] = up.average_precision(weights)
    return Judged({name: estimate_from(values, n_blocks=n_blocks) for name, values in draws.items()}, draws, n_blocks)


def differences(model: Judged, baseline: Judged, *, names: tuple[str, ...]) -> dict[str, Estimate]:
    """The model's scores minus the baseline's, draw by draw."""
    over = {name: model.draws[name] - baseline.draws[name] for name in names}
    return {name: estimate_from(values, n_blocks=model.n_blocks) for name, values in over.items()}


def calibration_error(y: Labels, probability: Probabilities) -> float:
    """The mean distance between said and seen shares of up over bins of equal counts.

    Source: Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning", with equal counts.
    """
    return float(_calibration_errors(y[None], probability)[0])


def error_when_calibrated(probability: Probabilities, *, seed: int) -> float:
    """What `calibration_error` does not exceed in 95 of 100 cases where these probabilities are exactly right.

    Over few days it is far from 0: a tenth of 94 days holds 9, whose share of ups is a matter of luck.
    """
    drawn = np.random.default_rng(seed).random((N_CALIBRATED_DRAWS, len(probability))) < probability
    return float(np.quantile(_calibration_errors(drawn, probability), CONFIDENCE))


def _calibration_errors(y: npt.NDArray[Any], probability: Probabilities) -> npt.NDArray[np.float64]:
    """Of each row of ``(n_draws, n_days)`` directions."""
    bins = np.array_split(np.argsort(probability, kind="stable"), N_CALIBRATION_BINS)
    missed = [abs((y[:, days] - probability[days]).sum(axis=1)) for days in bins]
    return np.asarray(np.sum(missed, axis=0) / len(probability))


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


def estimate_from(draws: Draws, *, n_blocks: float) -> Estimate:
    """The value with its interval.

    Args:
        draws: the first is the value; those without one, such as those of one class, leave the interval.
        n_blocks: that were drawn from.
    """
    known = draws[1:][np.isfinite(draws[1:])]
    share = tail_share(n_blocks)
    low, high = (np.nan, np.nan) if share is None or not len(known) else np.quantile(known, (share, 1 - share))
    return Estimate(value=_finite(draws[0]), low=_finite(low), high=_finite(high))


@cache
def tail_share(n_blocks: float) -> float | None:
    """The share of draws beyond each end of a 95 % interval; None when the blocks are too few for one.

    Draws of few blocks spread too little: of forecasts without skill on 94 days, ROC AUC lay above one half with 2.5 %
    of the draws beyond each end 8 % of the time, with this share 3 %; on 250 days 4 and 2 %. Below four and a half
    blocks it is less than one draw: the interval holds them all.

    Source: Hesterberg 2015, "What teachers should know about the bootstrap", the expanded percentile interval.
    """
    if n_blocks < FEWEST_BLOCKS:
        return None
    reach = np.sqrt(n_blocks / (n_blocks - 1)) * stats.t.ppf((1 + CONFIDENCE) / 2, n_blocks - 1)
    return float(stats.norm.cdf(-reach))


def _finite(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
