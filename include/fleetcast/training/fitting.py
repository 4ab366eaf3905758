"""Fitting: one binned Dataset a group, one model a variant and labelling of it."""

import time
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from fleetcast.training.parameters import MAX_ROUNDS, STOPPING_ROUNDS, dataset_parameters

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class BinnedRows:
    """The rows to fit and those that early stopping watches, binned by the edges of the former alone."""

    fit: lgb.Dataset
    stop: lgb.Dataset


def bin_rows(X_fit: Matrix, X_stop: Matrix, *, device: str = "cpu") -> BinnedRows:
    """Bins once; `fit_model` then sets each variant's labels.

    Args:
        X_fit: (n_fit, n_columns).
        X_stop: (n_stop, n_columns), later in time.
        device: that the models will compute on.
    """
    parameters = dataset_parameters(device=device)
    fit = lgb.Dataset(X_fit, label=np.zeros(len(X_fit)), params=parameters, free_raw_data=True).construct()
    stop = lgb.Dataset(X_stop, label=np.zeros(len(X_stop)), params=parameters, reference=fit).construct()
    return BinnedRows(fit=fit, stop=stop)


@dataclass(frozen=True)
class FittedModel:
    """A booster at its best round, and the CPU seconds that LightGBM took."""

    booster: lgb.Booster
    best_round: int
    cpu_seconds: float


def fit_model(
    rows: BinnedRows,
    y_fit: npt.NDArray[np.int8],
    *,
    y_stop: npt.NDArray[np.int8],
    parameters: dict[str, Any],
    max_rounds: int = MAX_ROUNDS,
    patience: int = STOPPING_ROUNDS,
) -> FittedModel:
    """Trains until the rows that early stopping watches have not improved for ``patience`` rounds."""
    rows.fit.set_label(y_fit)
    rows.stop.set_label(y_stop)
    started = time.process_time()
    booster = lgb.train(
        parameters,
        rows.fit,
        num_boost_round=max_rounds,
        valid_sets=[rows.stop],
        callbacks=[lgb.early_stopping(patience, verbose=False)],
        keep_training_booster=True,  # else it is written to text and read back before it is returned
    )
    return FittedModel(booster, booster.best_iteration, time.process_time() - started)


def model_text(model: FittedModel) -> bytes:
    """LightGBM's own text form, up to the best round: no pickle."""
    return str(model.booster.model_to_string(num_iteration=model.best_round)).encode()


def load_model(text: bytes) -> lgb.Booster:
    """The inverse of `model_text`."""
    return lgb.Booster(model_str=text.decode())


def predict(booster: lgb.Booster, X: Matrix) -> npt.NDArray[np.float64]:
    """(n_rows, 3) probabilities of breakout, reversal and neither."""
    if not len(X):
        return np.empty((0, 3))
    return np.asarray(booster.predict(X, num_threads=1), dtype=np.float64)
