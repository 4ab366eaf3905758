"""Probability of backtest overfitting, by combinatorially symmetric cross-validation of time blocks.

Source: Bailey, Borwein, Lopez de Prado & Zhu 2017, "The probability of backtest overfitting".
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

N_BLOCKS = 10
N_HALVINGS = math.comb(N_BLOCKS, N_BLOCKS // 2)  # 252


@dataclass(frozen=True)
class Overfitting:
    """How often the best trial of one half of time is in the worse half of the trials on the other.

    Attributes:
        probability: share of the halvings; about one half when choosing means nothing. None without two trials.
        n_trials: that were compared.
        n_halvings: in which they could be.
    """

    probability: float | None
    n_trials: int
    n_halvings: int


def halvings(n_blocks: int) -> npt.NDArray[np.bool_]:
    """Every choice of half the blocks: (n_halvings, n_blocks), 252 of 10; the i-th last is the i-th one's complement.

    Source: equation 2.1 of the paper; the complement by `itertools.combinations`' order.
    """
    chosen = np.array(list(itertools.combinations(range(n_blocks), n_blocks // 2)))
    halves = np.zeros((len(chosen), n_blocks), bool)
    halves[np.arange(len(chosen))[:, None], chosen] = True
    return halves


def half_weights(
    row: npt.NDArray[np.integer[Any]], end_row: npt.NDArray[np.integer[Any]], *, start: int, stop: int
) -> npt.NDArray[np.float32]:
    """Which rows are in each half: those whose label lies in it from the event to its end; the edges are purged.

    Args:
        row: (n_events,) timeline rows.
        end_row: (n_events,) rows where the labels end, before ``stop``.
        start: where the first block begins.
        stop: the row after the last block.

    Returns:
        (n_events, n_halvings) ones and zeros: weights for a score of the pooled rows of each half.

    Source: own choice: the paper's blocks do not overlap, labels do.
    """
    others = ~halvings(N_BLOCKS)
    n_others = np.concatenate([np.zeros((len(others), 1), int), np.cumsum(others, axis=1)], axis=1).T
    first, last = ((place - start).astype(np.int64) * N_BLOCKS // (stop - start) for place in (row, end_row))
    return np.asarray(n_others[last + 1] == n_others[first], dtype=np.float32)


def measure_overfitting(scores: npt.NDArray[np.floating]) -> Overfitting:
    """Chooses on each half and looks at the other.

    Ranks are those of the paper: a relative rank of rank / (n_trials + 1), of which one half and less is overfit.
    Trials with equal scores share a mean rank; the first of them is the one chosen.

    Args:
        scores: (n_trials, n_halvings) of each trial on each half, larger is better, in the order of `halvings`; NaN
            where a half gives no score. A trial without a score on a half is not compared there.

    Returns:
        The probability over the halvings in which two trials can be compared.
    """
    scores = scores[np.isfinite(scores).any(axis=1)]
    overfit = []
    for inside, outside in zip(scores.T, scores.T[::-1], strict=True):
        both = np.isfinite(inside) & np.isfinite(outside)
        if both.sum() < 2:
            continue
        others = outside[both]
        chosen = others[np.argmax(inside[both])]
        rank = 0.5 + np.sum(others < chosen) + 0.5 * np.sum(others == chosen)
        overfit.append(2 * rank <= len(others) + 1)
    return Overfitting(float(np.mean(overfit)) if overfit else None, len(scores), len(overfit))
