"""Structure columns tell how much a market moves and never in which direction."""

from dataclasses import replace

import numpy as np
import pytest

from fleetcast.data.bars import SymbolBars
from fleetcast.data.reader import read_bars
from fleetcast.features.structure import structure_columns
from fleetcast.labels.swings import volatility_at

T = np.array([3, 150, 401, 777, 1199])


@pytest.fixture(scope="module")
def bars() -> SymbolBars:
    """1,200 real bars of SOL, from the bundled sample."""
    sample, _ = read_bars("sample", symbols=["sol"])
    return sample.bars["sol"].part(0, 1200)


def columns_of(bars: SymbolBars, t: np.ndarray = T, *, swing_type: str = "high") -> dict[str, np.ndarray]:
    matrix, names = structure_columns(
        bars,
        t,
        swing_type=swing_type,
        deviation=np.linspace(1, 3, len(t)),
        volatility=volatility_at(np.log(bars.close), t),
    )
    assert matrix.dtype == np.float32
    assert matrix.shape == (len(t), len(names))
    return dict(zip(names, matrix.T, strict=True))


@pytest.mark.parametrize("swing_type", ["high", "low"])
def test_mirrored_market_and_opposite_swing_give_the_same_columns(bars, swing_type):
    mirrored = replace(bars, open=1 / bars.open, high=1 / bars.low, low=1 / bars.high, close=1 / bars.close)
    opposite = "low" if swing_type == "high" else "high"
    plain, flipped = columns_of(bars, swing_type=swing_type), columns_of(mirrored, swing_type=opposite)
    assert list(plain) == list(flipped)
    for name, column in plain.items():
        np.testing.assert_allclose(column, flipped[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_swing_side_wick_is_the_upper_one_of_a_high_and_the_lower_one_of_a_low(bars):
    high, low = columns_of(bars, swing_type="high"), columns_of(bars, swing_type="low")
    for lag in (0, 1):
        np.testing.assert_array_equal(high[f"swing_wick.{lag}"], low[f"other_wick.{lag}"])
    unit = volatility_at(np.log(bars.close), T)
    upper = np.log(bars.high[T] / np.maximum(bars.open[T], bars.close[T])) / unit
    np.testing.assert_allclose(high["swing_wick.0"], upper, rtol=1e-4, atol=1e-6)


def test_columns_equal_plain_formulas(bars):
    found = columns_of(bars)
    t, place = 777, 3
    returns = np.diff(np.log(bars.close))[:t]
    unit = returns[-100:].std(ddof=1)
    squares = np.log(bars.high / bars.low)[t - 19 : t + 1] ** 2
    expected = {
        "volatility_ratio.50": returns[-50:].std(ddof=1) / unit,
        "parkinson_ratio.20": np.sqrt(squares.mean() / (4 * np.log(2))) / unit,
        "range.1": np.log(bars.high[t - 1] / bars.low[t - 1]) / unit,
        "body.0": abs(np.log(bars.close[t] / bars.open[t])) / unit,
        "absolute_return.50": abs(np.log(bars.close[t] / bars.close[t - 50])) / unit,
        "volume_ratio.20": bars.volume[t] / bars.volume[t - 19 : t + 1].mean(),
        "volume_ratio.5.100": bars.volume[t - 4 : t + 1].mean() / bars.volume[t - 99 : t + 1].mean(),
    }
    assert {name: found[name][place] for name in expected} == pytest.approx(expected, rel=1e-5)


def test_clock_goes_round_with_the_day_and_the_week(bars):
    t = np.array([500, 500 + 96, 500 + 7 * 96])
    found = columns_of(bars, t)
    assert found["time_of_day.sin"] == pytest.approx(np.full(3, found["time_of_day.sin"][0]), abs=1e-6)
    assert found["weekday.sin"][0] == pytest.approx(found["weekday.sin"][2], abs=1e-6)
    assert found["weekday.sin"][0] != pytest.approx(found["weekday.sin"][1], abs=1e-3)
    monday = np.flatnonzero(bars.timestamp == 1_704_067_200_000)  # 2024-01-01 00:00 was a Monday
    at_monday = columns_of(bars, monday)
    names = ("weekday.sin", "weekday.cos", "time_of_day.sin", "time_of_day.cos")
    assert [at_monday[name][0] for name in names] == [0, 1, 0, 1]


def test_short_history_is_missing_and_not_made_up(bars):
    found = columns_of(bars)
    assert [name for name, column in found.items() if np.isnan(column[2])] == []
    assert np.isnan(found["volatility_ratio.200"][:2]).all()
    assert np.isnan(found["absolute_return.10"][0])


def test_later_bars_change_nothing(bars):
    known = columns_of(bars.part(0, 778), T[:4])
    for name, column in columns_of(bars, T[:4]).items():
        np.testing.assert_array_equal(column, known[name], err_msg=name)


def test_market_that_stands_still_has_no_unit_and_no_volume():
    price, n_bars = np.full(500, 5.0), 500
    still = SymbolBars("btc", np.arange(n_bars), price, price, price, price, volume=np.zeros(n_bars))
    matrix, names = structure_columns(
        still, np.array([450]), swing_type="high", deviation=np.array([np.inf]), volatility=np.zeros(1)
    )
    present = [name for name, value in zip(names, matrix[0], strict=True) if not np.isnan(value)]
    assert present == ["time_of_day.sin", "time_of_day.cos", "weekday.sin", "weekday.cos"]
