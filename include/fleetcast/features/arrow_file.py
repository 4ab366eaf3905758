"""Memory-maps the columns of an Arrow IPC file as `fleetcast.features.blocks` writes it.

Polars copies what it reads, and pyarrow is as large as the rest of the trainer's image; the few offsets that a mapping
needs stand in the file's footer. Source: Apache Arrow columnar format 1.5, "IPC File Format", and its ``File.fbs`` and
``Message.fbs``; flatbuffers' internals.
"""

import os
import struct
from mmap import ACCESS_READ, mmap
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fleetcast.errors import DataError

MAGIC = b"ARROW1"
SMALLEST_BYTES = 2 * len(MAGIC) + 4
FOOTER_BATCHES, MESSAGE_HEADER = 3, 2  # fields of flatbuffer tables, counted from 0
BATCH_LENGTH, BATCH_BUFFERS, BATCH_COMPRESSION = 0, 2, 3


def map_float32_columns(path: Path) -> list[npt.NDArray[np.float32]]:
    """The file's columns in their order, each ``(n_rows,)``, read-only and on disk until it is looked at.

    Raises:
        DataError: not one uncompressed batch of columns without nulls.
    """
    with path.open("rb") as file:
        start, size = file.read(len(MAGIC)), file.seek(0, os.SEEK_END)
        if start != MAGIC or size < SMALLEST_BYTES:
            raise DataError(f"{path.name} is no Arrow file: compute the features again")
        data = memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
    footer = _Table(data, len(data) - 10 - _read(data, "<i", len(data) - 10))
    batches = footer.vector(FOOTER_BATCHES, item_bytes=24)
    if len(batches) != 1:
        raise DataError(f"{path.name}: expected one batch of rows, got {len(batches)}")
    offset, metadata_bytes = _read(data, "<q", batches[0]), _read(data, "<i", batches[0] + 8)
    batch = _Table(data, offset + 8).table(MESSAGE_HEADER)  # after the continuation mark and the length
    n_rows = _read(data, "<q", batch.field(BATCH_LENGTH))
    buffers = batch.vector(BATCH_BUFFERS, item_bytes=16)
    if batch.has(BATCH_COMPRESSION) or any(_read(data, "<q", place + 8) for place in buffers[::2]):
        raise DataError(f"{path.name}: expected uncompressed columns without nulls")
    starts = [offset + metadata_bytes + _read(data, "<q", place) for place in buffers[1::2]]
    return [np.frombuffer(data, dtype="<f4", count=n_rows, offset=start) for start in starts]


class _Table:
    """A table of a flatbuffer: fields by number, found through the table that says where each lies."""

    def __init__(self, data: memoryview, root: int) -> None:
        self._data = data
        self._start = root + _read(data, "<I", root)

    def has(self, number: int) -> bool:
        return self._offset(number) != 0

    def field(self, number: int) -> int:
        """Where the field's value, or the offset to it, stands."""
        return self._start + self._offset(number)

    def table(self, number: int) -> "_Table":
        return _Table(self._data, self.field(number))

    def vector(self, number: int, *, item_bytes: int) -> list[int]:
        """Where each item of the field's vector begins."""
        place = self.field(number)
        first = place + _read(self._data, "<I", place) + 4
        return [first + i * item_bytes for i in range(_read(self._data, "<I", first - 4))]

    def _offset(self, number: int) -> int:
        fields = self._start - _read(self._data, "<i", self._start)
        place = 4 + 2 * number
        return _read(self._data, "<H", fields + place) if place < _read(self._data, "<H", fields) else 0


def _read(data: memoryview, form: str, offset: int) -> int:
    return int(struct.unpack_from(form, data, offset)[0])
