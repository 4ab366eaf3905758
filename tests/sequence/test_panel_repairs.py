import numpy as np
import pytest

from fleetcast.sequence.panel_repairs import Prices, repair_prices

NAN = float("nan")


def repaired(close: list[float], *, open_: list[float] | None = None, volume: list[float] | None = None):
    column = np.array(close, dtype=float)[:, None]
    opens = column.copy() if open_ is None else np.array(open_, dtype=float)[:, None]
    volumes = np.ones_like(column) if volume is None else np.array(volume, dtype=float)[:, None]
    raw = Prices(opens, np.fmax(opens, column), np.fmin(opens, column), column, volumes)
    return repair_prices(raw, symbols=["a"], describe=str)


def test_a_missing_close_repeats_the_last_one_without_volume() -> None:
    prices, findings = repaired([10, NAN, NAN, 11])
    assert prices.close[:, 0].tolist() == [10, 10, 10, 11]
    assert prices.volume[:, 0].tolist() == [1, 0, 0, 1]
    assert "a 1: the last close, without volume, stands in for missing bars (2 of 4" in str(findings[0])


def test_a_stale_price_on_another_split_basis_is_no_return() -> None:
    prices, _ = repaired([10, 109, 10.1], volume=[1, 0, 1])
    assert prices.close[:, 0].tolist() == [10, 10, 10.1]


def test_a_bar_without_volume_that_moved_stays() -> None:
    prices, findings = repaired([10, 10.2, 10.1], open_=[10, 10.1, 10.1], volume=[1, 0, 1])
    assert prices.close[:, 0].tolist() == [10, 10.2, 10.1]
    assert not findings


def test_a_split_scales_what_came_before_and_keeps_the_days_own_move() -> None:
    prices, _ = repaired([100, 50.5, 51], open_=[99, 50, 50.5])
    assert prices.close[:, 0] == pytest.approx([50, 50.5, 51])
    assert prices.open[:, 0] == pytest.approx([49.5, 50, 50.5])


def test_a_split_whose_open_is_on_the_old_basis_says_nothing_of_its_day() -> None:
    prices, _ = repaired([100, 50, 51], open_=[99, 101, 50.5])
    assert prices.close[:, 0] == pytest.approx([50, 50, 51])
    assert prices.high[1, 0] == prices.low[1, 0] == 50


def test_a_large_true_move_stays() -> None:
    prices, findings = repaired([100, 152, 110], open_=[100, 120, 150])
    assert prices.close[:, 0].tolist() == [100, 152, 110]
    assert not findings


def test_highs_and_lows_hold_open_and_close() -> None:
    raw = Prices(*(np.array([[v]] * 2) for v in (10.0, 9.0, 9.5, 10.5, 1.0)))
    prices, findings = repair_prices(raw, symbols=["a"], describe=str)
    assert prices.high[0, 0] == 10.5
    assert prices.low[0, 0] == 9.5
    assert "widened" in str(findings[0])
