"""Live rows: the same bits as the whole matrix at every bar."""

import numpy as np
import pytest

from fleetcast.errors import DataError
from fleetcast.features.catalogue import list_columns
from fleetcast.features.engine import compute_columns
from fleetcast.features.live import latest_rows

SYMBOLS = ("btc", "eth", "sol")
N_NAMES, N_PREFIXES = 120, 40


@pytest.fixture(scope="module")
def names():
    """Columns of all recipes, spread evenly over the catalogue."""
    columns = list_columns(SYMBOLS)
    return [columns[i].name for i in np.linspace(0, len(columns) - 1, N_NAMES).astype(int)]


def bits(values: np.ndarray) -> bytes:
    """In the order of rows; any unknown value is like another."""
    return np.where(np.isnan(values), np.float32(np.nan), values).tobytes()


def test_latest_row_equals_the_whole_matrix_at_every_prefix(gapped_bars, names):
    whole = compute_columns(gapped_bars, names)
    first = int(gapped_bars.timeline[0])
    random = np.random.default_rng(2)
    for row in sorted(random.choice(len(gapped_bars.timeline), N_PREFIXES, replace=False).tolist()):
        so_far = gapped_bars.between(first, int(gapped_bars.timeline[row]))
        latest = latest_rows(so_far, names, origin_ms=first)
        assert bits(latest) == bits(whole[[row]]), f"row {row}"


def test_several_rows_are_the_latest_ones(real_bars, names):
    few = names[::10]
    latest = latest_rows(real_bars, few, origin_ms=int(real_bars.timeline[0]), n_rows=5)
    assert bits(latest) == bits(compute_columns(real_bars, few)[-5:])


def test_bars_from_another_origin_are_refused(real_bars, names):
    with pytest.raises(DataError, match=r"from the snapshot's first one at 1 ms on: got them from 1704067200000 ms"):
        latest_rows(real_bars, names, origin_ms=1)
