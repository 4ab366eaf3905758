"""Live rows: the same bits as the whole matrix at every bar."""

import numpy as np
import pytest

from fleetcast.errors import ConfigurationError, DataError
from fleetcast.features.catalogue import find_columns, list_columns
from fleetcast.features.engine import compute_columns
from fleetcast.features.history import History
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


def warm_ups(names) -> list[int]:
    """Longer for each column, so that some are still unknown at any row."""
    return list(range(0, 10 * len(names), 10))


def stored(bars, names) -> np.ndarray:
    """What compute-features stores under a certificate that says so."""
    values = compute_columns(bars, names)
    History(bars).mask_warm_up(values, find_columns(names, symbols=SYMBOLS), warm_ups(names))
    return values


def latest_of(bars, names, n_rows: int) -> np.ndarray:
    return latest_rows(bars, names, origin_ms=int(bars.timeline[0]), warm_up_bars=warm_ups(names), n_rows=n_rows)


def test_latest_row_equals_the_whole_matrix_at_every_prefix(gapped_bars, names):
    whole, warm_up_bars = stored(gapped_bars, names), warm_ups(names)
    first = int(gapped_bars.timeline[0])
    random = np.random.default_rng(2)
    for row in sorted(random.choice(len(gapped_bars.timeline), N_PREFIXES, replace=False).tolist()):
        so_far = gapped_bars.between(first, int(gapped_bars.timeline[row]))
        latest = latest_rows(so_far, names, origin_ms=first, warm_up_bars=warm_up_bars)
        assert bits(latest) == bits(whole[[row]]), f"row {row}"


def test_several_rows_are_the_latest_ones(real_bars, names):
    few = names[::10]
    latest = latest_of(real_bars, few, n_rows=5)
    assert bits(latest) == bits(stored(real_bars, few)[-5:])


def test_bars_from_another_origin_are_refused(real_bars, names):
    with pytest.raises(DataError, match=r"from the snapshot's first one at 1 ms on: got them from 1704067200000 ms"):
        latest_rows(real_bars, names, origin_ms=1, warm_up_bars=warm_ups(names))


def test_a_row_within_the_warm_up_is_unknown(real_bars, names):
    early = real_bars.between(int(real_bars.timeline[0]), int(real_bars.timeline[300]))
    latest = latest_of(early, names, 1)
    assert np.isnan(latest[0, 31:]).all()
    assert not np.isnan(latest[0, :31]).all()


@pytest.mark.parametrize("n_rows", [0, -1, 1501])
def test_a_number_of_rows_that_is_not_there_is_refused(real_bars, names, n_rows):
    with pytest.raises(ConfigurationError, match=rf"cannot give the latest {n_rows} rows: expected 1 to 1500"):
        latest_of(real_bars, names[:1], n_rows)
