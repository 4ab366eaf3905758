"""The shallow selection model: how much each column helps to tell one variant's outcomes apart."""

import time
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

N_ROUNDS = 100
STOPPING_ROUNDS = 20
MIN_ROWS_A_LEAF = 20

BINNING: dict[str, Any] = {
    "max_bin": 63,
    "bin_construct_sample_cnt": 2000,  # with 5,000 binning, half of a model's cost, takes 1.4 times as long
    "enable_bundle": False,  # looking for bundles costs more than the few sparse columns that pass the screen give back
    "feature_pre_filter": False,
    "force_col_wise": True,
    "deterministic": True,
    "num_threads": 1,  # models run side by side instead
    "verbosity": -1,
}
PARAMETERS: dict[str, Any] = {
    **BINNING,
    "objective": "multiclass",
    "num_class": 3,
    "metric": "multi_logloss",
    "num_leaves": 30,
    "max_depth": 5,
    "learning_rate": 0.03,  # at 0.1 models stopped at round 1 to 16, and their lists agreed less than half as well
    "feature_fraction": 0.1,  # of thousands of columns: trees see different ones, and cost a tenth
}


@dataclass(frozen=True)
class ColumnGains:
    """A selection model's total gain by column, ``(n_columns,)`` float64, its best round, and its CPU seconds.

    Gains count all trees, also the 20 rounds that early stopping waited: a model that is best at round 3 has looked at
    few columns by then. Measured on the sample, lists selected under two seeds then agree by 0.25 instead of 0.14.
    """

    gains: npt.NDArray[np.float64]
    best_round: int
    cpu_seconds: float


def bin_columns(X: npt.NDArray[np.float32]) -> lgb.Dataset:
    """The columns in bins, once for all selection models: binning costs more than a model.

    The bins are quantiles over all rows given, which must lie before the screen's end; they see no label.

    Args:
        X: ``(n_rows, n_columns)``, NaN where unknown.
    """
    return lgb.Dataset(X, np.zeros(len(X)), params=BINNING).construct()


def column_gains(
    binned: lgb.Dataset,
    *,
    fit: npt.NDArray[np.intp],
    fit_y: npt.NDArray[np.int8],
    stop: npt.NDArray[np.intp],
    stop_y: npt.NDArray[np.int8],
    seed: int,
) -> ColumnGains:
    """Fits one shallow model on one thread and returns its gains; the same input gives the same bits.

    Args:
        binned: all rows that any model uses, from `bin_columns`.
        fit: places in it of the rows to fit on, ``(n_fit,)``, rising.
        fit_y: their classes.
        stop: places of later rows, which early stopping watches, ``(n_stop,)``, rising.
        stop_y: their classes.
        seed: of the columns that each tree may use.

    Source: design, section 3 (30 leaves, depth 5, about 100 rounds, early stopping 20).
    """
    started = time.thread_time()
    least = max(MIN_ROWS_A_LEAF, round(0.01 * len(fit)))
    model = lgb.train(
        {**PARAMETERS, "min_data_in_leaf": least, "seed": seed},
        _part(binned, fit, fit_y),
        num_boost_round=N_ROUNDS,
        valid_sets=[_part(binned, stop, stop_y)],
        callbacks=[lgb.early_stopping(STOPPING_ROUNDS, verbose=False)],
        keep_training_booster=True,  # with the trees after the best round, which are columns' evidence too
    )
    gains = np.asarray(model.feature_importance("gain", iteration=-1), dtype=np.float64)
    seconds = time.thread_time() - started
    return ColumnGains(gains=gains, best_round=int(model.best_iteration), cpu_seconds=seconds)


def _part(binned: lgb.Dataset, places: npt.NDArray[np.intp], y: npt.NDArray[np.int8]) -> lgb.Dataset:
    return binned.subset(places.tolist()).construct().set_label(y)
