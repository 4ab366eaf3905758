"""Judging one model: macro average precision, what it adds to the structure baseline, and direction."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.labels.outcomes import CLASS_NAMES
from fleetcast.metrics.ranking import Ranking, random_average_precision

INTERVAL = (2.5, 97.5)  # percentiles of the bootstrap draws: a 95 % interval
MIN_VALIDATION_BY_CLASS = 20
MIN_HOLDOUT_BY_CLASS = 10
MIN_HOLDOUT_UNIQUENESS = 30.0


@dataclass(frozen=True)
class Distribution:
    """A statistic on the rows as they are, and on each bootstrap draw."""

    estimate: float
    draws: npt.NDArray[np.float64]

    def __sub__(self, other: "Distribution") -> "Distribution":
        return Distribution(self.estimate - other.estimate, self.draws - other.draws)

    @property
    def standard_error(self) -> float:
        """Standard deviation over the draws that have a value."""
        return float(np.nanstd(self.draws, ddof=1))

    def named(self, name: str) -> dict[str, float]:
        """The estimate with its interval, as ``name``, ``name_low`` and ``name_high``."""
        low, high = np.nanpercentile(self.draws, INTERVAL)
        return {name: self.estimate, f"{name}_low": float(low), f"{name}_high": float(high)}


def judge(
    probabilities: npt.NDArray[np.float64],
    structure_probabilities: npt.NDArray[np.float64],
    *,
    y: npt.NDArray[np.int8],
    weights: npt.NDArray[np.float32],
) -> dict[str, float]:
    """All metrics of one variant on one part of time; the keys stand in `fleetcast.fleet.results.VariantResult`.

    Args:
        probabilities: (n_rows, 3) of the model, in the order breakout, reversal, neither.
        structure_probabilities: (n_rows, 3) of its structure baseline.
        y: (n_rows,) classes; every class must occur.
        weights: (n_rows, n_draws) of the block bootstrap.
    """
    macro, by_class = macro_average_precision(probabilities, y=y, weights=weights)
    structure, _ = macro_average_precision(structure_probabilities, y=y, weights=weights)
    random = random_macro_average_precision(y)
    error = macro.standard_error
    return {
        **macro.named("macro_average_precision"),
        "random_baseline": random,
        "standard_error": error,
        "score": (macro.estimate - random) / error if error > 0 else 0.0,
        "structure_macro_average_precision": structure.estimate,
        **(macro - structure).named("delta"),
        **direction(probabilities, y=y, weights=weights).named("direction"),
        "neither_auc": float(Ranking(probabilities[:, 2], y == 2).roc_auc()[0]),
        "log_loss": _log_loss(probabilities, y),
        **{f"average_precision_{name}": value for name, value in zip(CLASS_NAMES, by_class, strict=True)},
    }


def macro_average_precision(
    probabilities: npt.NDArray[np.float64], *, y: npt.NDArray[np.int8], weights: npt.NDArray[np.float32]
) -> tuple[Distribution, list[float]]:
    """Mean over the three classes of the average precision of one against the rest, and the three themselves."""
    rankings = [Ranking(probabilities[:, k], y == k) for k in range(len(CLASS_NAMES))]
    estimates = [float(ranking.average_precision()[0]) for ranking in rankings]
    draws = np.mean([ranking.average_precision(weights) for ranking in rankings], axis=0)
    return Distribution(float(np.mean(estimates)), draws), estimates


def direction(
    probabilities: npt.NDArray[np.float64], *, y: npt.NDArray[np.int8], weights: npt.NDArray[np.float32]
) -> Distribution:
    """ROC AUC of breakout against reversal, on the rows that are one of them."""
    decided = y < 2
    ranking = Ranking(towards_breakout(probabilities[decided]), y[decided] == 0)
    return Distribution(float(ranking.roc_auc()[0]), ranking.roc_auc(weights[decided]))


def random_macro_average_precision(y: npt.NDArray[np.int8]) -> float:
    """Macro average precision expected of a random order of these rows; 1/3 only in the limit."""
    return float(np.mean([random_average_precision(len(y), int(np.sum(y == k))) for k in range(len(CLASS_NAMES))]))


def reason_not_to_judge(
    y_validation: npt.NDArray[np.int8], y_holdout: npt.NDArray[np.int8], *, holdout_uniqueness: float
) -> str | None:
    """Why a trained variant must not be judged, or None.

    Args:
        y_validation: (n_validation,) classes.
        y_holdout: (n_holdout,) classes.
        holdout_uniqueness: sum over the holdout's labels of their average uniqueness.
    """
    parts = (("validation", y_validation, MIN_VALIDATION_BY_CLASS), ("holdout", y_holdout, MIN_HOLDOUT_BY_CLASS))
    for part, y, needed in parts:
        for k, name in enumerate(CLASS_NAMES):
            if (count := int(np.sum(y == k))) < needed:
                return f"{part} holds {count} rows of class {name}, at least {needed} needed"
    if holdout_uniqueness < MIN_HOLDOUT_UNIQUENESS:
        return f"holdout's summed uniqueness is {holdout_uniqueness:.1f}, at least {MIN_HOLDOUT_UNIQUENESS:.0f} needed"
    return None


def towards_breakout(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n_rows,) the part of a breakout in what is a breakout or a reversal."""
    return probabilities[:, 0] / (probabilities[:, 0] + probabilities[:, 1])


def _log_loss(probabilities: npt.NDArray[np.float64], y: npt.NDArray[np.int8]) -> float:
    chosen = probabilities[np.arange(len(y)), y.astype(np.int64)]
    return float(-np.mean(np.log(np.clip(chosen, 1e-15, 1.0))))
