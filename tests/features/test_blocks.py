"""Stored blocks."""

import io

import numpy as np
import polars as pl
import pytest

from fleetcast.errors import StoreError
from fleetcast.features.blocks import block_file, block_to_bytes, read_block
from fleetcast.store.manifests import StageFolder

NAMES = ["btc.technical.rsi.close.14", "btc.technical.adx.14", "btc.cross.beta.eth.50"]
VALUES = np.array([[1.0, np.nan, 2.0], [3.0, 4.0, -5.5]], dtype=np.float32)


@pytest.fixture
def folder(store):
    folder = StageFolder(store, "runs/r/features", key="r")
    folder.write(block_file("b"), block_to_bytes(NAMES, VALUES))
    folder.commit()
    return folder


def test_block_comes_back_as_written(folder):
    values = read_block(folder, "b")
    np.testing.assert_array_equal(values, VALUES)
    assert values.dtype == np.float32


def test_columns_come_in_the_order_asked_for(folder):
    np.testing.assert_array_equal(read_block(folder, "b", names=[NAMES[2], NAMES[0]]), VALUES[:, [2, 0]])


def test_rows_are_those_asked_for(folder):
    np.testing.assert_array_equal(read_block(folder, "b", rows=slice(1, None)), VALUES[1:])
    np.testing.assert_array_equal(read_block(folder, "b", rows=np.array([1, 0], dtype=np.int32)), VALUES[::-1])


def test_same_values_give_the_same_bytes():
    assert block_to_bytes(NAMES, VALUES) == block_to_bytes(NAMES, np.asfortranarray(VALUES))


def test_block_is_arrow_with_named_float32_columns():
    frame = pl.read_ipc(io.BytesIO(block_to_bytes(NAMES, VALUES)))
    assert frame.schema == dict.fromkeys(NAMES, pl.Float32)


def test_block_that_changed_since_is_refused(folder, store):
    store.write("runs/r/features/b.arrow", b"other")
    with pytest.raises(StoreError, match="does not match its manifest"):
        read_block(folder, "b")
