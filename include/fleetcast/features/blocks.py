"""Stored blocks of columns: Arrow IPC, uncompressed, one float32 column of timeline rows each."""

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.store.manifests import StageFolder


def block_file(block: str) -> str:
    """The object of one block in the features stage."""
    return f"{block}.arrow"


def block_to_bytes(names: Sequence[str], values: npt.NDArray[np.float32]) -> bytes:
    """As an Arrow IPC file that can be memory-mapped; the same values always give the same bytes.

    Args:
        names: of the columns, ``(n_columns,)``.
        values: ``(n_rows, n_columns)``, NaN where unknown.
    """
    buffer = io.BytesIO()
    columns = [pl.Series(name, values[:, i]) for i, name in enumerate(names)]
    pl.DataFrame(columns).write_ipc(buffer, compression="uncompressed")
    return buffer.getvalue()


def read_block(folder: StageFolder, block: str, *, names: Sequence[str] | None = None) -> npt.NDArray[np.float32]:
    """Columns of a stored block, float32 ``(n_rows, n_columns)`` in Fortran order.

    Args:
        folder: the features stage.
        block: its name.
        names: which columns, in this order; all of them in the block's order when None.

    Raises:
        StoreError: the stage is not done, or the object does not match its manifest.
    """
    frame = pl.read_ipc(io.BytesIO(folder.read(block_file(block))), columns=None if names is None else list(names))
    wanted = frame.columns if names is None else names
    values = np.empty((frame.height, len(wanted)), dtype=np.float32, order="F")
    for i, name in enumerate(wanted):
        values[:, i] = frame[name].to_numpy()
    return values
