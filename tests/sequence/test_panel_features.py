from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.sequence.panel_features import FEATURES, WARM_UP_ROWS, compute_features, panel_direction
from fleetcast.sequence.panels import read_panel
from synthetic_panel import make_panel, write_panel


@pytest.fixture
def frame() -> pl.DataFrame:
    return make_panel(80, 3)


def test_later_bars_change_no_earlier_feature(frame: pl.DataFrame, tmp_path: Path) -> None:
    row = 50
    later = frame["timestamp"].unique().sort()[row]
    factor = pl.when(pl.col("timestamp") > later).then(1.7).otherwise(1.0)
    changed = frame.with_columns([pl.col(c) * factor for c in ("open", "high", "low", "close", "volume")])
    one = read_panel(write_panel(tmp_path / "one.parquet", frame))
    other = read_panel(write_panel(tmp_path / "other.parquet", changed))
    ours, theirs = (compute_features(panel, list(FEATURES)) for panel in (one, other))
    np.testing.assert_allclose(ours[: row + 1], theirs[: row + 1], rtol=1e-4, atol=1e-6)
    assert not np.allclose(ours[row + 1], theirs[row + 1])


def test_values_are_those_of_a_slow_loop(frame: pl.DataFrame, tmp_path: Path) -> None:
    panel = read_panel(write_panel(tmp_path / "p.parquet", frame))
    found = compute_features(panel, ["return_5", "volume_ratio", "volatility_20", "relative_5"])
    close, volume, row = panel.prices.close, panel.prices.volume, 40
    for stock in range(3):
        steps = [np.log(close[i, stock] / close[i - 1, stock]) for i in range(row - 19, row + 1)]
        weeks = [np.log(close[row, s] / close[row - 5, s]) for s in range(3)]
        expected = [
            weeks[stock],
            np.log((volume[row, stock] + 1) / (np.mean(volume[row - 19 : row + 1, stock]) + 1)),
            np.std(steps),
            weeks[stock] - np.mean(weeks),
        ]
        np.testing.assert_allclose(found[row, stock], expected, rtol=1e-4, atol=1e-6)


def test_only_the_warm_up_lacks_values(frame: pl.DataFrame, tmp_path: Path) -> None:
    features = compute_features(read_panel(write_panel(tmp_path / "p.parquet", frame)), list(FEATURES))
    assert np.isfinite(features[WARM_UP_ROWS:]).all()
    assert np.isnan(features[WARM_UP_ROWS - 1]).any()


def test_the_direction_is_that_of_the_day_after(frame: pl.DataFrame, tmp_path: Path) -> None:
    panel = read_panel(write_panel(tmp_path / "p.parquet", frame))
    direction = panel_direction(panel)
    for row in range(len(direction) - 1):
        mean = np.mean(np.log(panel.prices.close[row + 1] / panel.prices.close[row]))
        assert direction[row] == (mean > 0)
    assert direction[-1] == -1


def test_an_unknown_feature_is_refused(frame: pl.DataFrame, tmp_path: Path) -> None:
    panel = read_panel(write_panel(tmp_path / "p.parquet", frame))
    with pytest.raises(ConfigurationError, match=r"unknown features \['rsi'\]: expected some of \['return_1'"):
        compute_features(panel, ["return_1", "rsi"])
