"""What a direction model has to beat: forecasts that need no network."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from fleetcast.sequence.direction_data import DirectionData
from fleetcast.sequence.panel_features import HORIZON
from fleetcast.sequence.windows import Rows

Probabilities = npt.NDArray[np.float64]
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # of the logistic regression; validation chooses
MAX_ITERATIONS = 200


def baseline_probabilities(data: DirectionData, ends: Rows, *, sequence_length: int) -> dict[str, Probabilities]:
    """Each baseline's probability that the day after is up, by name; ``(n_windows,)`` each.

    ``majority class`` is the training part's share of days that went up. ``previous direction`` says the direction of
    the window's last day, which is known by then.

    Args:
        data: whose training and validation parts they are made from.
        ends: the windows to foretell.
        sequence_length: rows of a window.
    """
    share = float(data.target[data.split.train].mean())
    regression = LogisticRegression.choose(data, sequence_length=sequence_length)
    return {
        "majority class": np.full(len(ends), share),
        "always up": np.ones(len(ends)),
        "previous direction": (data.target[ends - HORIZON] == 1).astype(np.float64),
        "logistic regression": regression.predict(data, ends),
    }


class LogisticRegression:
    """On the same windows as the model, every value of them a column, with an L2 penalty.

    No window is copied: a window's product with the weights is a sum over its rows' products, and those are computed
    once a row.
    """

    def __init__(self, weights: Probabilities, bias: float) -> None:
        self._weights = weights  # (n_columns, sequence_length), the last column for a window's last row
        self._bias = bias

    @classmethod
    def choose(cls, data: DirectionData, *, sequence_length: int) -> "LogisticRegression":
        """Fitted on the training part with the penalty that validation likes best."""
        fitted = [cls.fit(data, penalty=penalty, sequence_length=sequence_length) for penalty in PENALTIES]
        y = data.target[data.split.val]
        return min(fitted, key=lambda model: _log_loss(y, model.predict(data, data.split.val)))

    @classmethod
    def fit(cls, data: DirectionData, *, penalty: float, sequence_length: int) -> "LogisticRegression":
        """The least mean log loss plus half the penalty times the squared weights, on the training part."""
        rows, ends = _flat(data), data.split.train
        y = data.target[ends].astype(np.float64)
        shape = (rows.shape[1], sequence_length)

        def loss(point: Probabilities) -> tuple[float, Probabilities]:
            weights = point[1:].reshape(shape)
            logit = _logits(rows, ends, weights=weights, bias=point[0])
            missed = (expit(logit) - y) / len(y)
            value = float(np.mean(np.logaddexp(0, logit) - y * logit)) + penalty / 2 * float(point[1:] @ point[1:])
            slope = _transposed(rows, ends, missed, sequence_length=sequence_length) + penalty * weights
            return value, np.concatenate([[missed.sum()], slope.ravel()])

        found = minimize(
            loss,
            np.zeros(1 + rows.shape[1] * sequence_length),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": MAX_ITERATIONS},
        )
        return cls(found.x[1:].reshape(shape), float(found.x[0]))

    def predict(self, data: DirectionData, ends: Rows) -> Probabilities:
        """The probability of up, ``(n_windows,)``."""
        logit = _logits(_flat(data), ends, weights=self._weights, bias=self._bias)
        return np.asarray(expit(logit), dtype=np.float64)


def _flat(data: DirectionData) -> npt.NDArray[np.float32]:
    return np.nan_to_num(data.features.reshape(len(data.features), -1))


def _logits(rows: npt.NDArray[np.float32], ends: Rows, *, weights: Probabilities, bias: float) -> Probabilities:
    length = weights.shape[1]
    products = rows @ weights.astype(np.float32)  # (n_rows, length)
    steps = np.arange(length)
    return np.asarray(bias + products[ends[:, None] - (length - 1 - steps), steps].sum(axis=1), dtype=np.float64)


def _transposed(
    rows: npt.NDArray[np.float32], ends: Rows, missed: Probabilities, *, sequence_length: int
) -> Probabilities:
    """The transposed window matrix times ``missed``, ``(n_columns, sequence_length)``."""
    spread = np.zeros((len(rows), sequence_length), np.float32)
    steps = np.arange(sequence_length)
    spread[ends[:, None] - (sequence_length - 1 - steps), steps] = missed[:, None]
    return np.asarray(rows.T @ spread, dtype=np.float64)


def _log_loss(y: npt.NDArray[Any], probability: Probabilities) -> float:
    p = np.clip(probability, 1e-7, 1 - 1e-7)
    return float(-np.mean(np.where(y == 1, np.log(p), np.log(1 - p))))
