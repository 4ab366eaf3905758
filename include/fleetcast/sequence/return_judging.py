"""Scores of foretold returns with 95 % intervals: a draw takes whole blocks of days, with all stocks of each day."""

import numpy as np
import numpy.typing as npt
from scipy import stats

from fleetcast.sequence.direction_scores import Draws, Estimate, Judged, estimate_from
from fleetcast.sequence.return_scores import Values


def judge_returns(true: Values, said: Values, days: npt.NDArray[np.intp], weights: npt.NDArray[np.float32]) -> Judged:
    """All scores of one forecast.

    Args:
        true: ``(n,)`` log returns.
        said: ``(n,)`` what was foretold.
        days: ``(n,)`` which of the test's days, from 0; stocks of one day share it.
        weights: ``(n_days, 1 + n_draws)`` from `draw_weights`, the same for all forecasts.

    Returns:
        Eight scores with draws. The rank correlation has its value alone: its draws would be sorted anew each.
    """
    draws = _scores(*_sums(true, said, days, weights))
    estimates = {name: estimate_from(values) for name, values in draws.items()}
    rank = float(stats.spearmanr(true, said).statistic) if np.ptp(said) else 0.0
    estimates["spearman"] = Estimate(value=round(rank, 6), low=None, high=None)
    return Judged(estimates, draws)


def _sums(true: Values, said: Values, days: npt.NDArray[np.intp], weights: npt.NDArray[np.float32]) -> list[Draws]:
    """What the scores are made of, summed over each draw's rows: ``(1 + n_draws,)`` each."""
    moved = true != 0
    parts = (
        np.ones_like(true),
        (said - true) ** 2,
        np.abs(said - true),
        true,
        true**2,
        said,
        said**2,
        true * said,
        moved.astype(float),
        (moved & ((said > 0) == (true > 0))).astype(float),
        (said > 0).astype(float),
    )
    by_day = np.stack([np.bincount(days, part, minlength=len(weights)) for part in parts])
    return list(by_day @ weights.astype(np.float64))


def _scores(
    n: Draws,
    squared: Draws,
    absolute: Draws,
    true: Draws,
    true_squared: Draws,
    said: Draws,
    said_squared: Draws,
    product: Draws,
    moved: Draws,
    hits: Draws,
    ups: Draws,
) -> dict[str, Draws]:
    with np.errstate(invalid="ignore", divide="ignore"):
        spread, spread_said = n * true_squared - true**2, n * said_squared - said**2
        covariance = n * product - true * said
        varies = spread_said > 1e-9 * np.maximum(n * said_squared, 1e-30)
        return {
            "mse": squared / n,
            "rmse": np.sqrt(squared / n),
            "mae": absolute / n,
            "r2": 1 - squared * n / spread,
            "r2_over_zero": 1 - squared / true_squared,
            "pearson": np.where(varies, covariance / np.sqrt(spread * np.where(varies, spread_said, 1.0)), 0.0),
            "directional_accuracy": hits / moved,
            "share_said_up": ups / n,
        }
