"""The markets that the ledger is tried on: as real as they can be, without a direction or with a known one."""

import numpy as np
import pytest

from fleetcast.data.bars import BarSet
from fleetcast.data.reader import read_bars
from fleetcast.fleet.presets import load_preset
from fleetcast.jobs.label_events import label_family
from fleetcast.metrics.ranking import Ranking
from simulated_bars import KAPPAS, leading_signal, simulate_bars

N_BARS = 6000


@pytest.fixture(scope="module")
def noise() -> BarSet:
    return simulate_bars(3, n_bars=N_BARS)


def log_returns(bars: BarSet, symbol: str) -> np.ndarray:
    return np.diff(np.log(bars.bars[symbol].close))


def test_moves_ranges_and_volumes_are_those_of_real_bars(noise: BarSet) -> None:
    real, _ = read_bars("sample", symbols=("btc", "eth", "sol"))
    for symbol, own in noise.bars.items():
        (first,) = np.flatnonzero(real.bars[symbol].timestamp == own.timestamp[0])
        same = real.bars[symbol].part(int(first), int(first) + N_BARS)
        np.testing.assert_array_equal(own.timestamp, same.timestamp)
        np.testing.assert_array_equal(own.volume, same.volume)
        np.testing.assert_allclose(np.abs(log_returns(noise, symbol)), np.abs(np.diff(np.log(same.close))), atol=1e-12)
        np.testing.assert_allclose(np.log(own.high / own.low), np.log(same.high / same.low), atol=1e-12)


def test_prices_are_bars(noise: BarSet) -> None:
    for own in noise.bars.values():
        assert np.all(own.high >= np.maximum(own.open, own.close))
        assert np.all(own.low <= np.minimum(own.open, own.close))
        assert np.all(own.low > 0)


def test_symbols_go_on_moving_together(noise: BarSet) -> None:
    btc, eth = log_returns(noise, "btc"), log_returns(noise, "eth")
    assert np.corrcoef(btc, eth)[0, 1] > 0.7


def test_each_direction_is_fair_and_knows_nothing_of_the_one_before(noise: BarSet) -> None:
    up = log_returns(noise, "btc") > 0
    assert np.mean(up) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(N_BARS))
    assert np.mean(up[1:] == up[:-1]) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(N_BARS))


def test_the_seed_decides_everything(noise: BarSet) -> None:
    again, other = simulate_bars(3, n_bars=N_BARS), simulate_bars(4, n_bars=N_BARS)
    np.testing.assert_array_equal(again.bars["sol"].close, noise.bars["sol"].close)
    assert np.any(other.bars["sol"].close[:50] != noise.bars["sol"].close[:50])


def test_an_edge_leaves_the_leader_as_it_is_and_turns_the_others_where_it_points(noise: BarSet) -> None:
    planted = simulate_bars(3, n_bars=N_BARS, kappa=1.0)
    np.testing.assert_array_equal(planted.bars["btc"].close, noise.bars["btc"].close)
    signal = leading_signal(planted.bars["btc"])[:-1]
    for symbol in ("eth", "sol"):
        up = log_returns(planted, symbol) > 0
        assert np.mean(up[signal > 0.8]) > 0.75  # Phi(0.8) is 0.79
        assert np.mean(up[signal < -0.8]) < 0.25
        np.testing.assert_allclose(np.abs(log_returns(planted, symbol)), np.abs(log_returns(noise, symbol)), atol=1e-12)


def test_the_signal_is_that_of_a_slow_loop_and_known_at_the_close(noise: BarSet) -> None:
    signal, returns = leading_signal(noise.bars["btc"]), log_returns(noise, "btc")
    for at in (100, 101, 2345):
        past = returns[at - 100 : at]  # the last of them ends at the close of bar `at`
        assert signal[at] == pytest.approx(np.tanh(past[-20:].sum() / (past.std(ddof=1) * np.sqrt(20))))
    assert np.all(signal[:100] == 0)


@pytest.mark.parametrize(("oracle", "kappa"), sorted(KAPPAS.items()))
def test_an_oracle_of_each_edge_has_the_auc_that_is_said(oracle: float, kappa: float) -> None:
    grid, found = load_preset("micro"), []
    for seed in range(1000, 1010):
        bars = simulate_bars(seed, n_bars=N_BARS, kappa=kappa)
        signal = leading_signal(bars.bars["btc"])
        for family in grid.families()[1:]:
            labels, _ = label_family(bars, family, grid=grid)
            for variant in grid.variants_of(family):
                view = labels.variant_view(variant, grid)
                decided = view.y < 2
                found.append(Ranking(signal[view.row[decided]], view.y[decided] == 0).roc_auc()[0])
    assert np.mean(found) == pytest.approx(oracle, abs=0.02)
