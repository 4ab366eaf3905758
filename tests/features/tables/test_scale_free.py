"""What all columns of one symbol promise: no price level, no unit of volume; and nothing before a period of bars."""

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.features.catalogue import list_columns
from fleetcast.features.engine import FeatureEngine

ROUNDING = 1e-4  # of a standard deviation: what the logarithms of other prices may leave
BAR_MS = 900_000
COLUMNS = list_columns(("btc",))


def values_of(own: SymbolBars) -> np.ndarray:
    """All columns, float64 ``(n_bars, n_columns)``."""
    return FeatureEngine(BarSet(bars={"btc": own}, bar_ms=BAR_MS)).compute(COLUMNS).astype(np.float64)


def in_other_units(own: SymbolBars, price: float, volume: float) -> SymbolBars:
    """The same bars with prices and volumes multiplied."""
    scaled = {name: getattr(own, name) * price for name in ("open", "high", "low", "close")}
    return dataclasses.replace(own, **scaled, volume=own.volume * volume)


def moved_columns(found: np.ndarray, expected: np.ndarray) -> list[str]:
    """Columns whose values differ by more than rounding, or are known where they were not."""
    size = np.maximum(np.std(np.nan_to_num(expected), axis=0), 1e-9)
    both = np.isnan(found) & np.isnan(expected)
    apart = np.where(both, 0.0, np.abs(found - expected)) / size
    return [COLUMNS[i].name for i in np.flatnonzero(~(apart <= ROUNDING).all(axis=0))]


@pytest.fixture(scope="module")
def values(btc):
    """All columns over the real bars."""
    return values_of(btc)


@pytest.mark.parametrize(("price", "volume"), [(8.0, 1.0), (1.0, 0.25)], ids=["price", "volume"])
def test_another_unit_changes_no_column(btc, values, price, volume):
    assert moved_columns(values_of(in_other_units(btc, price, volume)), values) == []


@settings(max_examples=4, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000), price=st.integers(-12, 12), volume=st.integers(-12, 12))
def test_another_unit_changes_no_column_of_random_bars(make_bars, seed, price, volume):
    own = make_bars(n_bars=450, seed=seed)
    assert moved_columns(values_of(in_other_units(own, 2.0**price, 2.0**volume)), values_of(own)) == []


def test_nothing_is_known_before_its_period(values):
    known = ~np.isnan(values)
    early = [
        column.name
        for i, column in enumerate(COLUMNS)
        if column.generator in ("candlestick", "technical")  # elsewhere a period may be hours, or a number of swings
        and column.recipe.name != "since_rsi"
        and isinstance(column.period, int)
        and known[: column.period - 1, i].any()
    ]
    assert early == []
