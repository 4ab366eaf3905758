"""Checkpoints: everything that a fit needs to go on, in one object, written at once after each epoch."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fleetcast.errors import StoreError
from fleetcast.store.objects import Store

Arrays = Sequence[npt.NDArray[Any]]
EpochRow = dict[str, float]


@dataclass(frozen=True)
class FitState:
    """A fit after some epochs.

    Attributes:
        history: one row an epoch, the metrics by name.
        variables: the model's, the states of its random numbers among them.
        optimizer: its variables.
        best: the model's variables after the best epoch.
        is_over: no further epoch is to come.
    """

    history: list[EpochRow]
    variables: Arrays
    optimizer: Arrays
    best: Arrays
    is_over: bool

    def to_bytes(self) -> bytes:
        """As NumPy's archive of plain arrays."""
        arrays = {f"{name}.{i}": array for name in ARRAYS for i, array in enumerate(getattr(self, name))}
        state = json.dumps({"history": self.history, "is_over": self.is_over}).encode()
        file = io.BytesIO()
        np.savez(file, state=np.frombuffer(state, np.uint8), **arrays)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "FitState":
        """The inverse."""
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            state = json.loads(found["state"].tobytes())
            arrays: dict[str, Any] = {
                name: [found[f"{name}.{i}"] for i in range(sum(key.startswith(f"{name}.") for key in found.files))]
                for name in ARRAYS
            }
        return cls(history=state["history"], is_over=state["is_over"], **arrays)


ARRAYS = ("variables", "optimizer", "best")


@dataclass(frozen=True)
class Checkpoint:
    """Where a fit keeps its state; the path names the run, so that no other fit goes on from it."""

    store: Store
    path: str

    def load(self) -> FitState | None:
        """The state, or None before the first epoch's end. Raises StoreError when it cannot be read."""
        data = self.store.read_if_exists(self.path)
        if data is None:
            return None
        try:
            return FitState.from_bytes(data)
        except (ValueError, KeyError, OSError) as exc:
            raise StoreError(
                f"{self.store.uri}/{self.path} is no checkpoint: {exc}. Delete it; the fit begins anew."
            ) from exc

    def save(self, state: FitState) -> None:
        """Over the earlier one."""
        self.store.write(self.path, state.to_bytes())

    def delete(self) -> None:
        """Once the model is committed."""
        self.store.delete(self.path)


def values_of(variables: Sequence[keras.Variable]) -> list[npt.NDArray[Any]]:
    """Copies of their values."""
    return [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables]


def assign_values(variables: Sequence[keras.Variable], values: Arrays) -> None:
    """Raises StoreError when they are another model's."""
    shapes = [tuple(variable.shape) for variable in variables]
    if shapes != [value.shape for value in values]:
        raise StoreError(f"the checkpoint holds {len(values)} arrays of another model: expected {len(shapes)}")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
