"""The shallow selection model: how much each column helps to tell one variant's outcomes apart."""

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

N_ROUNDS = 100
STOPPING_ROUNDS = 20
MIN_ROWS_A_LEAF = 20

PARAMETERS: dict[str, Any] = {
    "objective": "multiclass",
    "num_class": 3,
    "metric": "multi_logloss",
    "num_leaves": 30,
    "max_depth": 5,
    "learning_rate": 0.1,
    "feature_fraction": 0.25,  # of thousands of columns: trees differ, and cost a quarter
    "max_bin": 63,
    "bin_construct_sample_cnt": 10_000,
    "min_data_in_bin": 3,
    "feature_pre_filter": False,
    "deterministic": True,
    "force_col_wise": True,
    "num_threads": 1,  # models run side by side instead
    "verbosity": -1,
}


@dataclass(frozen=True)
class ColumnGains:
    """A selection model's total gain by column, ``(n_columns,)`` float64, and the round it stopped at."""

    gains: npt.NDArray[np.float64]
    best_round: int


def column_gains(
    X_fit: npt.NDArray[np.float32],
    y_fit: npt.NDArray[np.int8],
    X_stop: npt.NDArray[np.float32],
    y_stop: npt.NDArray[np.int8],
    *,
    seed: int,
) -> ColumnGains:
    """Fits one shallow model on one thread and returns its gains; the same input gives the same bits.

    Args:
        X_fit: ``(n_fit, n_columns)``.
        y_fit: classes, ``(n_fit,)``.
        X_stop: ``(n_stop, n_columns)``; later rows that early stopping watches.
        y_stop: classes, ``(n_stop,)``.
        seed: of the columns that each tree may use.

    Source: design, section 3 (30 leaves, depth 5, about 100 rounds, early stopping 20).
    """
    least = max(MIN_ROWS_A_LEAF, round(0.01 * len(y_fit)))
    parameters = {**PARAMETERS, "min_data_in_leaf": least, "seed": seed}
    fit = lgb.Dataset(X_fit, y_fit, params=parameters)
    model = lgb.train(
        parameters,
        fit,
        num_boost_round=N_ROUNDS,
        valid_sets=[fit.create_valid(X_stop, y_stop)],
        callbacks=[lgb.early_stopping(STOPPING_ROUNDS, verbose=False)],
    )
    return ColumnGains(
        gains=np.asarray(model.feature_importance("gain", iteration=model.best_iteration), dtype=np.float64),
        best_round=int(model.best_iteration),
    )
