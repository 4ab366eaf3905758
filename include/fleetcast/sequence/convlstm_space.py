"""Where the search for a ConvLSTM looks, as flat parameters, and back from a point to a model."""

from collections.abc import Mapping
from typing import Any

from fleetcast.job_args.sequence_config import ConvLstmParams, ConvLstmSpace, WholeRange

Allowed = dict[str, Any]


def flat_space(space: ConvLstmSpace) -> dict[str, Any]:
    """The study's space: one parameter a layer, of which a point with fewer layers uses the first ones."""
    layers = range(1, space.n_layers.max + 1)
    return {
        "n_layers": _whole(space.n_layers),
        **{f"conv_lstm_filters_{i}": _whole(space.conv_lstm_filters) for i in layers},
        **{f"kernel_size_{i}": _whole(space.kernel_size) for i in layers},
        **{f"dense_units_{i}": _whole(space.dense_units) for i in layers},
        "dropout_rate": _real(space.dropout_rate),
        "learning_rate": _real(space.learning_rate, log=True),
        "l1": _real(space.l1, log=True),
        "l2": _real(space.l2, log=True),
        "batch_size": list(space.batch_size),
    }


def params_at(point: Mapping[str, float], base: ConvLstmParams) -> ConvLstmParams:
    """The model at a point; what the space does not hold is the base's."""
    layers = range(1, int(point["n_layers"]) + 1)
    return ConvLstmParams.model_validate(
        base.model_dump()
        | {
            "conv_lstm_filters": [int(point[f"conv_lstm_filters_{i}"]) for i in layers],
            "kernel_sizes": [int(point[f"kernel_size_{i}"]) for i in layers],
            "dense_units": [int(point[f"dense_units_{i}"]) for i in layers],
            "batch_size": int(point["batch_size"]),
            **{name: point[name] for name in ("dropout_rate", "learning_rate", "l1", "l2")},
        }
    )


def _whole(allowed: WholeRange) -> Allowed | list[int]:
    return [allowed.min] if allowed.min == allowed.max else {"low": allowed.min, "high": allowed.max}


def _real(allowed: tuple[float, float], *, log: bool = False) -> Allowed | list[float]:
    low, high = allowed
    return [low] if low == high else {"low": float(low), "high": float(high), "log": log}
