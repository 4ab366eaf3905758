"""Mapping an Arrow file: the same values as polars and pyarrow read, and files that are not ours."""

import numpy as np
import polars as pl
import pyarrow.ipc
import pytest

from fleetcast.errors import DataError
from fleetcast.features.arrow_file import map_float32_columns


@pytest.fixture
def write(tmp_path):
    """Writes a frame as polars does; ``(n_rows, n_columns)`` values with unknown ones."""

    def write(shape: tuple[int, int], **options):
        values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        values[::7] = np.nan
        path = tmp_path / "block.arrow"
        frame = pl.DataFrame([pl.Series(f"c{i}", values[:, i]) for i in range(shape[1])])
        frame.write_ipc(path, **{"record_batch_size": shape[0], **options})
        return path, values

    return write


@pytest.mark.parametrize("shape", [(1, 1), (1000, 3), (3001, 128), (300_000, 2)])
def test_mapped_columns_are_what_was_written(write, shape):
    path, values = write(shape)
    np.testing.assert_array_equal(np.stack(map_float32_columns(path), axis=1), values)


def test_mapped_columns_are_what_pyarrow_reads(write):
    path, _ = write((500, 20))
    table = pyarrow.ipc.open_file(path).read_all()
    for mapped, column in zip(map_float32_columns(path), table.columns, strict=True):
        np.testing.assert_array_equal(mapped, column.to_numpy())


def test_columns_lie_in_the_file_and_are_read_only(write):
    path, values = write((1000, 3))
    column = map_float32_columns(path)[1]
    with pytest.raises(ValueError, match="read-only"):
        column[0] = 1.0
    path.unlink()
    np.testing.assert_array_equal(column, values[:, 1])


@pytest.mark.parametrize("content", [b"", b"ARROW1", b"no arrow file at all"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "x.arrow").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.arrow is no Arrow file"):
        map_float32_columns(tmp_path / "x.arrow")


def test_several_batches_are_refused(write):
    path, _ = write((1000, 2), record_batch_size=300)
    with pytest.raises(DataError, match="expected one batch of rows, got 4"):
        map_float32_columns(path)


def test_compressed_columns_are_refused(write):
    path, _ = write((1000, 2), compression="lz4")
    with pytest.raises(DataError, match="expected uncompressed columns without nulls"):
        map_float32_columns(path)


def test_nulls_are_refused(tmp_path):
    path = tmp_path / "x.arrow"
    pl.DataFrame({"a": pl.Series([1.0, None], dtype=pl.Float32)}).write_ipc(path)
    with pytest.raises(DataError, match="expected uncompressed columns without nulls"):
        map_float32_columns(path)
