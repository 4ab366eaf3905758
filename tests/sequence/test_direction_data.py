from pathlib import Path

import numpy as np
import pytest

from fleetcast.errors import DataError
from fleetcast.sequence.direction_data import restrict
from fleetcast.sequence.panels import Panel, read_panel
from synthetic_panel import make_panel, write_panel


def panel_of(path: Path, n_days: int, n_stocks: int) -> Panel:
    return read_panel(write_panel(path, make_panel(n_days, n_stocks)))


def test_dates_that_the_index_lacks_are_left_out_and_said(tmp_path: Path) -> None:
    panel, index = panel_of(tmp_path / "p.parquet", 60, 2), panel_of(tmp_path / "i.parquet", 45, 1)
    found = restrict(panel, index)
    np.testing.assert_array_equal(found.dates, index.dates)
    assert found.prices.close.shape == (45, 2)
    assert str(found.findings[-1]).endswith("left out 15 of 60 dates, which the index s00 lacks")
    assert "left out" not in str(restrict(index, panel).findings)


def test_a_panel_and_an_index_without_a_common_date_are_refused(tmp_path: Path) -> None:
    early = read_panel(write_panel(tmp_path / "e.parquet", make_panel(60, 1).head(20)))
    late = read_panel(write_panel(tmp_path / "l.parquet", make_panel(60, 1).tail(20)))
    with pytest.raises(DataError, match="panel and index s00 share no date"):
        restrict(early, late)
