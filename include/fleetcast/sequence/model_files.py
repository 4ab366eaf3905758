"""Models and scalers as files: Keras's own format, read in safe mode alone, and plain arrays."""

import io
from pathlib import Path

import keras
import numpy as np

from fleetcast.errors import StoreError
from fleetcast.sequence.windows import Scaler

MODEL_FILE = "model.keras"


def model_bytes(model: keras.Model, scratch: Path) -> bytes:
    """The ``.keras`` file of a model's layers and weights, without what only a fit needs.

    Args:
        model: a functional model.
        scratch: a folder to write it in.
    """
    bare = keras.Model.from_config(model.get_config())  # not compiled, so that whoever loads it needs no code of ours
    bare.set_weights(model.get_weights())
    path = scratch / MODEL_FILE
    bare.save(path)
    return path.read_bytes()


def load_model(path: Path) -> keras.Model:
    """The model of a ``.keras`` file; a file that holds code is refused. Raises StoreError."""
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError) as exc:
        raise StoreError(f"cannot load {path.name}: {str(exc).splitlines()[0]}") from exc


def scaler_bytes(scaler: Scaler) -> bytes:
    """Mean and scale as NumPy's archive."""
    file = io.BytesIO()
    np.savez(file, mean=scaler.mean, scale=scaler.scale)
    return file.getvalue()
