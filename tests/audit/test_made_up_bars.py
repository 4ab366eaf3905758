"""Made-up bars: every pattern is there, for each symbol."""

import numpy as np
import pytest
import talib

from fleetcast.audit.made_up_bars import SHAPES, make_bars
from fleetcast.audit.slices import N_EVENTS, SYMBOLS, load_slices
from fleetcast.data.bars import SymbolBars


def count(pattern: str, own: SymbolBars) -> int:
    return int(np.count_nonzero(getattr(talib, f"CDL{pattern.upper()}")(own.open, own.high, own.low, own.close)))


@pytest.mark.parametrize("pattern", SHAPES)
def test_each_shape_is_the_pattern_whose_name_it_has(pattern: str) -> None:
    assert min(count(pattern, own) for own in make_bars(SYMBOLS).bars.values()) > N_EVENTS


def test_all_patterns_of_talib_are_seen_often_enough_on_some_slice() -> None:
    names = [name.removeprefix("CDL").lower() for name in talib.get_function_groups()["Pattern Recognition"]]
    assert len(names) == 61
    slices = [one.bars.bars for one in load_slices()]
    for name in names:
        for symbol in SYMBOLS:
            assert max(count(name, bars[symbol]) for bars in slices) >= N_EVENTS, (name, symbol)


def test_prices_make_sense_and_differ_by_symbol() -> None:
    bars = make_bars(SYMBOLS)
    for own in bars.bars.values():
        assert (own.high >= np.maximum(own.open, own.close)).all()
        assert (own.low <= np.minimum(own.open, own.close)).all()
        assert (own.low > 0).all()
        assert own.n_bars == len(bars.timeline)
    assert (bars.bars["btc"].close != bars.bars["eth"].close).mean() > 0.9
