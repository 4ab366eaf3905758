"""Stored blocks of columns: Arrow IPC, uncompressed, one float32 column of timeline rows each."""

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.features.arrow_file import map_float32_columns
from fleetcast.store.manifests import StageFolder

Rows = slice | npt.NDArray[np.int32]


def block_file(block: str) -> str:
    """The object of one block in the features stage."""
    return f"{block}.arrow"


def block_to_bytes(names: Sequence[str], values: npt.NDArray[np.float32]) -> memoryview:
    """As an Arrow IPC file of one batch, that can be memory-mapped; the same values always give the same bytes.

    Args:
        names: of the columns, ``(n_columns,)``.
        values: ``(n_rows, n_columns)``, NaN where unknown.
    """
    buffer = io.BytesIO()
    columns = [pl.Series(name, values[:, i]) for i, name in enumerate(names)]
    pl.DataFrame(columns).write_ipc(buffer, compression="uncompressed", record_batch_size=max(1, len(values)))
    return buffer.getbuffer()


def read_block(
    folder: StageFolder, block: str, *, names: Sequence[str] | None = None, rows: Rows = slice(None)
) -> npt.NDArray[np.float32]:
    """Columns of a stored block, float32 ``(n_rows, n_columns)`` in Fortran order.

    The block is memory-mapped: once its digest is checked, only what is asked for is read and held.

    Args:
        folder: the features stage.
        block: its name.
        names: which columns, in this order; all of them in the block's order when None.
        rows: which rows of the timeline: a slice, or places.

    Raises:
        StoreError: the stage is not done, or the object does not match its manifest.
    """
    with folder.open_file(block_file(block)) as path:
        stored = dict(zip(pl.read_ipc_schema(path), map_float32_columns(path), strict=True))
        columns = [stored[name][rows] for name in (stored if names is None else names)]
        values = np.empty((len(columns[0]) if columns else 0, len(columns)), dtype=np.float32, order="F")
        for i, column in enumerate(columns):
            values[:, i] = column
    return values
