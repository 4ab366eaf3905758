"""Cross-symbol columns against slow loops over their definitions."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def returns(real_bars):
    """Log returns by symbol; on this slice every symbol has every bar."""
    return {s: np.append(np.nan, np.diff(np.log(bars.close))) for s, bars in real_bars.bars.items()}


def test_beta_is_least_squares_slope_of_own_on_other(check_column, returns):
    def oracle(t):
        window = slice(t - 49, t + 1)
        return np.polyfit(returns["eth"][window], returns["btc"][window], 1)[0]

    check_column("btc.cross.beta.eth.50", oracle)


def test_correlation(check_column, returns):
    def oracle(t):
        window = slice(t - 99, t + 1)
        return np.corrcoef(returns["btc"][window], returns["sol"][window])[0, 1]

    check_column("btc.cross.correlation.sol.100", oracle)


def test_spread_is_zscore_of_difference_of_log_prices(check_column, real_bars):
    difference = np.log(real_bars.bars["btc"].close) - np.log(real_bars.bars["eth"].close)

    def oracle(t):
        window = difference[t - 99 : t + 1]
        return (difference[t] - window.mean()) / window.std(ddof=1)

    check_column("btc.cross.spread.eth.100", oracle)


def test_lead_correlation_is_with_the_others_past(check_column, returns):
    def oracle(t):
        own, other = returns["btc"][t - 99 : t + 1], returns["eth"][t - 102 : t - 2]
        return np.corrcoef(own, other)[0, 1]

    check_column("btc.cross.lead_correlation.eth.100-3", oracle)


def test_relative_strength_is_scaled_difference_of_returns(check_column, returns):
    difference = returns["btc"] - returns["eth"]

    def oracle(t):
        return difference[t - 19 : t + 1].sum() / (difference[t - 99 : t + 1].std(ddof=1) * np.sqrt(20))

    check_column("btc.cross.relative_strength.eth.20", oracle)


def test_residual_uses_the_beta_known_one_bar_before(check_column, returns):
    def left(t):
        window = slice(t - 100, t)
        slope = np.polyfit(returns["eth"][window], returns["btc"][window], 1)[0]
        return returns["btc"][t] - slope * returns["eth"][t]

    def oracle(t):
        return left(t) / np.std([left(i) for i in range(t - 99, t + 1)], ddof=1)

    check_column("btc.cross.residual.eth.1", oracle)


def test_dispersion_is_deviation_over_symbols_of_scaled_returns(check_column, returns):
    def oracle(t):
        moves = [r[t - 4 : t + 1].sum() / (r[t - 49 : t + 1].std(ddof=1) * np.sqrt(5)) for r in returns.values()]
        return np.std(moves)

    check_column("btc.cross.dispersion.all.5", oracle)


def test_standing_is_share_of_others_that_moved_less(check_column, returns):
    def oracle(t):
        moves = {s: r[t - 9 : t + 1].sum() / r[t - 49 : t + 1].std(ddof=1) for s, r in returns.items()}
        return np.mean([moves["btc"] > moves[s] for s in ("eth", "sol")])

    check_column("btc.cross.standing.rank.all.10", oracle)


def test_market_is_the_mean_of_the_others_without_the_own(check_column, returns):
    market = (returns["eth"] + returns["sol"]) / 2

    def oracle(t):
        return np.corrcoef(returns["btc"][t - 49 : t + 1], market[t - 49 : t + 1])[0, 1]

    check_column("btc.cross.market.correlation.all.50", oracle)
