"""How well returns were foretold: errors, correlations, direction, and what stated intervals really hold."""

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy import stats

Values = npt.NDArray[np.float64]
COVERAGES = (0.5, 0.8, 0.9, 0.95)
CALIBRATED_AT = 0.9


def score_returns(true: Values, said: Values) -> dict[str, float]:
    """Sixteen scores of point forecasts.

    Args:
        true: ``(n,)`` log returns.
        said: ``(n,)`` what was foretold.

    Returns:
        By name; a correlation with a constant is NaN's stand-in, 0.
    """
    error = said - true
    squared = float(np.mean(error**2))
    spread = float(np.var(true))
    moved = true != 0
    return {
        "mse": squared,
        "rmse": float(np.sqrt(squared)),
        "mae": float(np.mean(np.abs(error))),
        "median_absolute_error": float(np.median(np.abs(error))),
        "max_error": float(np.max(np.abs(error))),
        "bias": float(np.mean(error)),
        "r2": 1 - squared / spread if spread else 0.0,
        "explained_variance": 1 - float(np.var(error)) / spread if spread else 0.0,
        "r2_over_zero": 1 - squared / float(np.mean(true**2)) if moved.any() else 0.0,
        "pearson": _correlation(stats.pearsonr, true, said),
        "spearman": _correlation(stats.spearmanr, true, said),
        "directional_accuracy": float(np.mean((said > 0)[moved] == (true > 0)[moved])) if moved.any() else 0.0,
        "share_said_up": float(np.mean(said > 0)),
        "error_5th_percentile": float(np.quantile(error, 0.05)),
        "error_95th_percentile": float(np.quantile(error, 0.95)),
        "spread_ratio": float(np.std(said) / np.std(true)) if spread else 0.0,
    }


def interval_factor(true: Values, said: Values, deviation: Values) -> float:
    """What deviations must be multiplied with so that 90 % of these returns lie within their 90 % intervals.

    Dropout alone knows nothing of the noise in returns, so its spread is far too small before.
    """
    z = np.abs(true - said) / np.maximum(deviation, 1e-12)
    return float(np.quantile(z, CALIBRATED_AT) / _reach(CALIBRATED_AT))


def coverages(true: Values, said: Values, deviation: Values) -> dict[str, float]:
    """The share of returns within the central intervals of each claimed probability."""
    distance = np.abs(true - said)
    return {f"coverage_{p:.0%}".rstrip("%"): float(np.mean(distance <= _reach(p) * deviation)) for p in COVERAGES}


def baseline_returns(train: Values, past: Values) -> Mapping[str, Values]:
    """What needs no network: nothing, training's mean, and the last horizon's return again."""
    n = len(past)
    return {"no change": np.zeros(n), "mean of training": np.full(n, train.mean()), "the last return again": past}


def _reach(probability: float) -> float:
    return NormalDist().inv_cdf((1 + probability) / 2)


def _correlation(of: object, true: Values, said: Values) -> float:
    if np.ptp(true) == 0 or np.ptp(said) == 0:
        return 0.0
    return float(of(true, said).statistic)  # type: ignore[operator]
