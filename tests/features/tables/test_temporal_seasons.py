"""Columns of seasons against slow loops over their definitions."""

import numpy as np
import pytest

from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.features.engine import compute_columns

HOUR_MS = 3_600_000
START_MS = 1_609_459_200_000  # 2021-01-01 00:00 UTC


@pytest.fixture(scope="module")
def hourly() -> SymbolBars:
    """2,600 random hours: 15 weeks."""
    random = np.random.default_rng(4)
    close = 100 * np.exp(np.cumsum(random.normal(scale=0.005, size=2600)))
    opened = np.concatenate([[100.0], close[:-1]])
    return SymbolBars(
        symbol="btc",
        timestamp=START_MS + HOUR_MS * np.arange(2600, dtype=np.int64),
        open=opened,
        high=np.maximum(opened, close) * 1.001,
        low=np.minimum(opened, close) * 0.999,
        close=close,
        volume=random.lognormal(3, 1, 2600),
    )


def values_of(own: SymbolBars, name: str) -> np.ndarray:
    return compute_columns(BarSet(bars={"btc": own}, bar_ms=HOUR_MS), [f"btc.temporal.{name}"])[:, 0]


def test_weekly_is_mean_of_the_hour_of_the_week(hourly):
    found = values_of(hourly, "weekly.volume.8-4")
    for t in (1600, 1999, 2599):
        past = [t + 4 - 168 * k for k in range(1, 9)]
        expected = np.log(hourly.volume[past].mean() / hourly.volume[t - 167 : t + 1].mean())
        assert found[t] == pytest.approx(expected, rel=1e-5)


def test_seasonal_return_is_mean_over_its_standard_error(hourly):
    found = values_of(hourly, "seasonal_return.log_return.10-1")
    steps = np.append(np.nan, np.diff(np.log(hourly.close)))
    for t in (500, 2000):
        past = steps[[t + 1 - 24 * k for k in range(1, 11)]]
        assert found[t] == pytest.approx(past.mean() / (past.std(ddof=1) / np.sqrt(10)), rel=1e-4)


def test_same_time_is_the_hour_that_followed(hourly):
    found = values_of(hourly, "same_time.volume.2")
    for t in (400, 2100):
        at = t + 1 - 48
        expected = np.log(hourly.volume[at] / hourly.volume[at - 23 : at + 1].mean())
        assert found[t] == pytest.approx(expected, rel=1e-5)


def test_same_time_is_unknown_where_a_gap_was(hourly):
    missing = 1000
    kept = np.delete(np.arange(hourly.n_bars), missing)
    fields = ("timestamp", "open", "high", "low", "close", "volume")
    short = SymbolBars(symbol="btc", **{name: getattr(hourly, name)[kept] for name in fields})
    found = values_of(short, "same_time.volume.2")
    assert np.isnan(found[kept == missing + 47]).all()
    assert not np.isnan(found[kept == missing + 48]).any()
