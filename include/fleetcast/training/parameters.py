"""LightGBM's parameters, as the design fixes them: those of stage 1, and what tuning lays over them."""

from collections.abc import Mapping
from typing import Any

MAX_ROUNDS = 500
STOPPING_ROUNDS = 30
# Rows of a leaf at least. The design's 1 % of the training rows is 5 of 500, and a leaf of 5 rows repeats their luck.
# Tried on the bundled bars (preset sample, one variant of each family and deviation, horizon 50, threshold 0.5, fits on
# up to 4,000 rows), against 1 %: log loss -0.014 +- 0.002, macro average precision +0.015 +- 0.003, delta +0.012 +-
# 0.004, 45 % of the CPU saved; at horizon 20 and threshold 1.0 much the same. A fifth of at most 400 rows is no better
# below 2,000; an eighth of at most 80 gives half of it. Micro fleets with a planted direction (oracle 0.70) show a mean
# T of direction of 3.1 with 1 %, 3.4 with 20 rows, 3.9 with 80 and 4.1 with 120.
LEAF_SHARE = 0.01
LEAF_ROWS = 200
LEAF_SHARE_OF_FEW = 0.2  # where that is less than LEAF_ROWS

BASE: dict[str, Any] = {
    "objective": "multiclass",
    "num_class": 3,
    "metric": "multi_logloss",
    "bagging_freq": 5,
    "bagging_fraction": 0.8,
    "max_bin": 63,
    "feature_pre_filter": False,
    "deterministic": True,
    "force_col_wise": True,
    # The selected columns have no unknown values (`fleetcast.selection.filling`), and those of the structure baseline
    # count as 0. LightGBM would scan each column that has any twice: 11 % of the time at 300 columns.
    "use_missing": False,
    "device_type": "cpu",
    "num_threads": 1,  # several threads on busy cores were measured ten times slower
    "verbosity": -1,
}
STAGE_1: dict[str, Any] = {
    "num_leaves": 30,
    "max_depth": 5,
    "learning_rate": 0.05,
    "feature_fraction": 0.7,
    "lambda_l1": 0.01,
}


def dataset_parameters(*, device: str = "cpu") -> dict[str, Any]:
    """Those that a binned Dataset is built with, the same for all variants that share it."""
    names = (
        "max_bin",
        "feature_pre_filter",
        "force_col_wise",
        "num_threads",
        "verbosity",
        "deterministic",
        "use_missing",
    )
    return {name: BASE[name] for name in names} | {"device_type": device}


def model_parameters(n_fit: int, *, tuned: Mapping[str, float | int], seed: int, device: str = "cpu") -> dict[str, Any]:
    """All parameters of a model.

    Args:
        n_fit: training rows.
        tuned: laid over stage 1's values.
        seed: of bagging and of the choice of columns.
        device: that the model computes on.
    """
    own = {"min_child_samples": least_leaf_rows(n_fit), "seed": seed, "device_type": device}
    return {**BASE, **STAGE_1, **tuned, **own}


def least_leaf_rows(n_fit: int) -> int:
    """``min_child_samples`` of a fit on so many rows."""
    return max(1, round(LEAF_SHARE * n_fit), min(LEAF_ROWS, round(LEAF_SHARE_OF_FEW * n_fit)))


def stage_1_parameters(n_fit: int, *, seed: int, device: str = "cpu") -> dict[str, Any]:
    """All parameters of a stage 1 model, as `model_parameters`."""
    return model_parameters(n_fit, tuned={}, seed=seed, device=device)
