"""Where the search for a CNN+LSTM looks; a point's filters and kernels have one length by construction."""

from collections.abc import Mapping
from typing import Any

from fleetcast.job_args.sequence_config import CnnLstmParams

MAX_BLOCKS, MAX_LSTM_LAYERS = 3, 2
SPACE: dict[str, Any] = {
    "n_blocks": {"low": 1, "high": MAX_BLOCKS},
    **{f"filters_{i}": [16, 32, 64, 128] for i in range(1, MAX_BLOCKS + 1)},
    **{f"kernel_size_{i}": [2, 3, 5, 7] for i in range(1, MAX_BLOCKS + 1)},
    "n_lstm_layers": {"low": 1, "high": MAX_LSTM_LAYERS},
    "lstm_units": [32, 64, 128],
    "dropout_rate": {"low": 0.1, "high": 0.5},
    "learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
    "batch_size": [16, 32, 64, 128],
    "weight_decay": {"low": 1e-6, "high": 1e-2, "log": True},
    "patience": {"low": 5, "high": 20},
}


def params_at(point: Mapping[str, float], base: CnnLstmParams) -> CnnLstmParams:
    """The model at a point; what the space does not hold is the base's."""
    blocks = range(1, int(point["n_blocks"]) + 1)
    return CnnLstmParams.model_validate(
        base.model_dump()
        | {
            "cnn_filters": [int(point[f"filters_{i}"]) for i in blocks],
            "kernel_sizes": [int(point[f"kernel_size_{i}"]) for i in blocks],
            "lstm_units": [int(point["lstm_units"])] * int(point["n_lstm_layers"]),
            "batch_size": int(point["batch_size"]),
            "patience": int(point["patience"]),
            **{name: point[name] for name in ("dropout_rate", "learning_rate", "weight_decay")},
        }
    )
