"""Columns of the relative price, and of dependence, against slow loops over their definitions."""

import numpy as np
import pytest

from fleetcast.features.engine import compute_columns


@pytest.fixture(scope="module")
def returns(real_bars):
    """Log returns by symbol; on this slice every symbol has every bar."""
    return {s: np.append(np.nan, np.diff(np.log(bars.close))) for s, bars in real_bars.bars.items()}


def test_place_lies_between_the_extremes_of_the_relative_price(check_column, real_bars):
    price = np.log(real_bars.bars["btc"].close / real_bars.bars["eth"].close)

    def oracle(t):
        window = price[t - 49 : t + 1]
        return (price[t] - window.min()) / (window.max() - window.min())

    check_column("btc.cross.relative_place.eth.50", oracle)


def test_index_is_the_sum_of_the_others_mean_returns(check_column, returns):
    steps = returns["btc"] - (returns["eth"] + returns["sol"]) / 2

    def oracle(t):
        level = np.cumsum(steps[t - 199 : t + 1])
        return (level[-1] - level.min()) / (level.max() - level.min())

    check_column("btc.cross.market_relative_place.all.200", oracle)


def test_sided_beta_is_least_squares_over_the_falls_of_the_other(check_column, returns):
    def oracle(t):
        own, other = (returns[s][t - 99 : t + 1] for s in ("btc", "eth"))
        return np.polyfit(other[other < 0], own[other < 0], 1)[0]

    check_column("btc.cross.sided_beta.falling.eth.100", oracle)


def test_spillover_balance_is_who_follows_whom(check_column, real_bars):
    ranges = {s: np.log(bars.high / bars.low) for s, bars in real_bars.bars.items()}

    def follows(first, second, t):
        return np.corrcoef(ranges[first][t - 199 : t + 1], ranges[second][t - 200 : t])[0, 1]

    check_column("btc.cross.spillover.balance.eth.200-1", lambda t: follows("btc", "eth", t) - follows("eth", "btc", t))


def test_divergence_counts_highs_that_the_other_did_not_make(check_column, real_bars):
    close = {s: bars.close for s, bars in real_bars.bars.items()}

    def is_high(symbol, i):
        return float(close[symbol][i] > close[symbol][i - 20 : i].max())

    check_column(
        "btc.cross.divergence.high.sol.20-50",
        lambda t: np.mean([is_high("btc", i) - is_high("sol", i) for i in range(t - 49, t + 1)]),
    )


def test_bars_that_the_other_lacks_are_unknown_and_the_index_goes_on(gapped_bars):
    name = "btc.cross.market_relative_place.all.50", "btc.cross.relative_place.eth.50"
    values = compute_columns(gapped_bars, name)
    assert not np.isnan(values[200:, 0]).any()
    assert np.isnan(values[700:740, 1]).all()
