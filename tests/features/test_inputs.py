"""Input series, and another symbol's series at one symbol's bars."""

import dataclasses

import numpy as np
import pytest

from fleetcast.features.inputs import INPUTS, AlignedInputs, Inputs

BAR_MS = 900_000


def test_series_is_computed_once(walk):
    assert walk["atr"] is walk["atr"]


def test_scopes_share_series_and_nothing_else(make_bars):
    bars = Inputs(make_bars(), bar_ms=BAR_MS)
    one, other = bars.scoped(), bars.scoped()
    assert one["atr"] is other["atr"] is bars["atr"]
    assert one.once("key", lambda: 1) == 1
    assert one.once("key", lambda: 2) == 1
    assert other.once("key", lambda: 3) == 3


@pytest.mark.parametrize("name", INPUTS)
def test_series_has_no_gap_after_its_first_value(walk, name):
    unknown = np.isnan(walk[name])
    assert not unknown[50:].any(), "recursive indicators would stay unknown for ever"
    assert np.all(np.diff(unknown.astype(int)) <= 0)


def test_flat_bar_has_no_body_and_closes_in_the_middle(make_bars):
    own = make_bars(n_bars=30)
    price = np.full(30, 5.0)
    flat = Inputs(dataclasses.replace(own, open=price, high=price, low=price, close=price), bar_ms=BAR_MS)
    assert (flat["body"] == 0).all()
    assert (flat["close_position"] == 0.5).all()


def test_bar_without_trades_counts_as_the_last_one_with_any(make_bars):
    own = make_bars(n_bars=6)
    bars = Inputs(dataclasses.replace(own, volume=np.array([0.0, 4.0, np.nan, 0.0, 2.0, 0.0])), bar_ms=BAR_MS)
    np.testing.assert_allclose(bars["log_volume"], np.log([np.nan, 4.0, 4.0, 4.0, 2.0, 2.0]))


@pytest.mark.parametrize("n_before", [1, 20, 50, 170, 300, 500])
def test_history_may_begin_anywhere_before_an_outage(make_bars, n_before):
    """With the smallest volume of many bars instead, an outage had another volume for each start of history."""
    own = make_bars(n_bars=1200)
    own = dataclasses.replace(own, volume=np.where(np.arange(1200) // 60 == 10, 0.0, own.volume))  # bars 600 to 659
    whole = Inputs(own, bar_ms=BAR_MS)["log_volume"]
    later = Inputs(own.part(600 - n_before, 1200), bar_ms=BAR_MS)["log_volume"]
    np.testing.assert_array_equal(later, whole[600 - n_before :])


def test_unknown_volume_counts_as_none(make_bars):
    own = make_bars(n_bars=3)
    bars = Inputs(dataclasses.replace(own, volume=np.array([np.nan, 1.0, np.nan])), bar_ms=BAR_MS)
    np.testing.assert_array_equal(bars["volume"], [0.0, 1.0, 0.0])


def test_other_symbol_is_unknown_where_it_has_no_bar_and_is_not_filled(make_bars):
    own, other = make_bars("btc", n_bars=6), make_bars("eth", n_bars=6, seed=1)
    kept = [0, 1, 4]
    short = dataclasses.replace(
        other, **{name: getattr(other, name)[kept] for name in ("timestamp", "open", "high", "low", "close", "volume")}
    )
    aligned = AlignedInputs(Inputs(short, bar_ms=BAR_MS), timestamp=own.timestamp)
    expected = np.where(np.isin(np.arange(6), kept), other.close, np.nan)
    np.testing.assert_array_equal(aligned["close"], expected)


def test_other_symbols_return_spans_its_own_last_two_bars(make_bars):
    own, other = make_bars("btc", n_bars=6), make_bars("eth", n_bars=6, seed=1)
    kept = [0, 1, 4]
    short = dataclasses.replace(
        other, **{name: getattr(other, name)[kept] for name in ("timestamp", "open", "high", "low", "close", "volume")}
    )
    aligned = AlignedInputs(Inputs(short, bar_ms=BAR_MS), timestamp=own.timestamp)
    assert aligned["log_return"][4] == pytest.approx(np.log(other.close[4] / other.close[1]))
