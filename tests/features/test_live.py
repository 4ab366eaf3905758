"""Live rows: the same bits as the whole matrix at every bar."""

import numpy as np
import pytest

from certified import made_up_certificate
from fleetcast.audit.admission import Admission
from fleetcast.audit.certificate import Certificate, certified_name
from fleetcast.errors import ConfigurationError, DataError
from fleetcast.features.catalogue import find_columns, list_columns
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


def warm_ups(names) -> list[int]:
    """Longer for each column, so that some are still unknown at any row."""
    return list(range(0, 10 * len(names), 10))


def certificate_of(names) -> Certificate:
    """Says so of these columns; those that differ in symbols alone have the longest."""
    warm_up_bars: dict[str, int] = {}
    for column, n_bars in zip(find_columns(names, symbols=SYMBOLS), warm_ups(names), strict=True):
        warm_up_bars[certified_name(column)] = max(n_bars, warm_up_bars.get(certified_name(column), 0))
    return made_up_certificate(width="full").model_copy(update={"warm_up_bars": warm_up_bars})


def stored(bars, names) -> np.ndarray:
    """What compute-features stores under a certificate that says so."""
    values = compute_columns(bars, names)
    Admission(certificate_of(names), bars).mask_warm_up(values, find_columns(names, symbols=SYMBOLS))
    return values


def latest_of(bars, names, n_rows: int) -> np.ndarray:
    return latest_rows(bars, names, origin_ms=int(bars.timeline[0]), certificate=certificate_of(names), n_rows=n_rows)


def test_latest_row_equals_the_whole_matrix_at_every_prefix(gapped_bars, names):
    whole, certificate = stored(gapped_bars, names), certificate_of(names)
    first = int(gapped_bars.timeline[0])
    random = np.random.default_rng(2)
    for row in sorted(random.choice(len(gapped_bars.timeline), N_PREFIXES, replace=False).tolist()):
        so_far = gapped_bars.between(first, int(gapped_bars.timeline[row]))
        latest = latest_rows(so_far, names, origin_ms=first, certificate=certificate)
        assert bits(latest) == bits(whole[[row]]), f"row {row}"


def test_several_rows_are_the_latest_ones(real_bars, names):
    few = names[::10]
    latest = latest_of(real_bars, few, n_rows=5)
    assert bits(latest) == bits(stored(real_bars, few)[-5:])


def test_bars_from_another_origin_are_refused(real_bars, names):
    with pytest.raises(DataError, match=r"from the snapshot's first one at 1 ms on: got them from 1704067200000 ms"):
        latest_rows(real_bars, names, origin_ms=1, certificate=certificate_of(names))


def test_a_row_within_the_warm_up_is_unknown(real_bars, names):
    early = real_bars.between(int(real_bars.timeline[0]), int(real_bars.timeline[300]))
    latest = latest_of(early, names, 1)
    assert np.isnan(latest[0, 31:]).all()
    assert not np.isnan(latest[0, :31]).all()


@pytest.mark.parametrize("n_rows", [0, -1, 1501])
def test_a_number_of_rows_that_is_not_there_is_refused(real_bars, names, n_rows):
    with pytest.raises(ConfigurationError, match=rf"cannot give the latest {n_rows} rows: expected 1 to 1500"):
        latest_of(real_bars, names[:1], n_rows)


def test_a_column_that_the_certificate_refuses_has_no_row(real_bars, names):
    refusing = made_up_certificate(refused=("technical.rsi.close.14",), width="full")
    with pytest.raises(DataError, match=r"btc\.technical\.rsi\.close\.14 is not admitted: is refused by a test"):
        latest_rows(
            real_bars, ["btc.technical.rsi.close.14"], origin_ms=int(real_bars.timeline[0]), certificate=refusing
        )
