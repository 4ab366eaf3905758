"""Admission: what the certificate refuses is left out, and what it masks is unknown."""

import numpy as np
import pytest

from certified import SYMBOLS, made_up_certificate
from fleetcast.audit.admission import Admission
from fleetcast.audit.slices import SOL_STARTS, load_slices
from fleetcast.errors import DataError
from fleetcast.features.catalogue import find_columns, list_blocks

BARS = load_slices()[0].bars
NAMES = ["btc.technical.rsi.close.14", "sol.technical.rsi.close.14", "btc.cross.beta.sol.50"]


def test_rows_before_the_certified_warm_up_are_unknown() -> None:
    columns = find_columns(NAMES, symbols=SYMBOLS)
    values = np.ones((len(BARS.timeline), 3), dtype=np.float32, order="F")
    Admission(made_up_certificate(width="full"), BARS).mask_warm_up(values, columns)
    own, pair = len("technical.rsi.close.14"), len("cross.beta.*.50")  # what the made-up certificate says
    assert np.isnan(values).sum(axis=0).tolist() == [own, SOL_STARTS + own, SOL_STARTS + pair]


def test_refused_columns_are_left_out_of_their_blocks_and_named() -> None:
    certificate = made_up_certificate(refused=("technical.rsi.close.14",), width="full")
    blocks = list_blocks(SYMBOLS)
    admitted, refused = Admission(certificate, BARS).admitted_blocks(blocks)
    assert set(refused) == {f"{symbol}.technical.rsi.close.14" for symbol in SYMBOLS}
    left = [column.name for block in admitted for column in block.columns]
    assert left == [column.name for block in blocks for column in block.columns if column.name not in refused]


def test_a_refused_column_is_not_masked_but_an_error() -> None:
    certificate = made_up_certificate(refused=("technical.rsi.close.14",), width="full")
    columns = find_columns(NAMES[:1], symbols=SYMBOLS)
    with pytest.raises(DataError, match="is not admitted: is refused by a test"):
        Admission(certificate, BARS).mask_warm_up(np.ones((len(BARS.timeline), 1), dtype=np.float32), columns)
