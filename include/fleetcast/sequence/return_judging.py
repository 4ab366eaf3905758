"""Scores of foretold returns with 95 % intervals: a draw takes whole blocks of days, with all stocks of each day."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import stats

from fleetcast.sequence.direction_scores import BLOCK_ROWS, BlockDraws, Draws, Estimate, Judged, estimate_from
from fleetcast.sequence.return_scores import Values

Total = Callable[[npt.NDArray[np.generic]], Draws]  # of ``(n,)`` values over each draw's rows: ``(1 + n_draws,)``


def return_block_rows(horizon: int) -> int:
    """Days of a block for returns over so many: twice as many, so that overlapping ones stay together."""
    return max(BLOCK_ROWS, 2 * horizon)


def judge_returns(true: Values, said: Values, days: npt.NDArray[np.intp], blocks: BlockDraws) -> Judged:
    """All scores of one forecast.

    Args:
        true: ``(n,)`` log returns.
        said: ``(n,)`` what was foretold.
        days: ``(n,)`` which of the test's days, from 0; stocks of one day share it.
        blocks: of ``n_days`` days, from `draw_blocks`, the same for all forecasts.

    Returns:
        Eight scores with draws. The rank correlation has its value alone: its draws would be sorted anew each.
    """
    drawn = blocks.weights.astype(np.float64)

    def total(values: npt.NDArray[np.generic]) -> Draws:
        return np.asarray(np.bincount(days, values, minlength=len(drawn)) @ drawn)

    with np.errstate(invalid="ignore", divide="ignore"):
        draws = _errors(true, said, total) | _agreement(true, said, total)
    estimates = {name: estimate_from(values, n_blocks=blocks.n_blocks) for name, values in draws.items()}
    rank = float(stats.spearmanr(true, said).statistic) if np.ptp(said) and np.ptp(true) else 0.0
    estimates["spearman"] = Estimate(value=round(rank, 6), low=None, high=None)
    return Judged(estimates, draws, blocks.n_blocks)


def _errors(true: Values, said: Values, total: Total) -> dict[str, Draws]:
    n, squared, true_squared = total(np.ones_like(true)), total((said - true) ** 2), total(true**2)
    return {
        "mse": squared / n,
        "rmse": np.sqrt(squared / n),
        "mae": total(np.abs(said - true)) / n,
        "r2": 1 - squared * n / (n * true_squared - total(true) ** 2),
        "r2_over_zero": 1 - squared / true_squared,
    }


def _agreement(true: Values, said: Values, total: Total) -> dict[str, Draws]:
    n, moved, up = total(np.ones_like(true)), true != 0, said > 0
    sum_true, sum_said, said_squared = total(true), total(said), total(said**2)
    spread, spread_said = n * total(true**2) - sum_true**2, n * said_squared - sum_said**2
    varies = spread_said > 1e-9 * np.maximum(n * said_squared, 1e-30)
    covariance = n * total(true * said) - sum_true * sum_said
    return {
        "pearson": np.where(varies, covariance / np.sqrt(spread * np.where(varies, spread_said, 1.0)), 0.0),
        "directional_accuracy": total(moved & (up == (true > 0))) / total(moved),
        "share_said_up": total(up) / n,
    }
