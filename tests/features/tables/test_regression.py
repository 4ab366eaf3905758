"""Technical columns of regression lines, against least squares by numpy."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def volatility(btc):
    """Standard deviation of the last 50 log returns, by bar."""
    returns = np.diff(np.log(btc.close), prepend=np.nan)
    return lambda t: returns[t - 49 : t + 1].std(ddof=1)


def line(values):
    """Slope and intercept of the least-squares line."""
    return np.polyfit(np.arange(len(values)), values, 1)


def test_trend_slope_is_in_units_of_volatility(check_column, btc, volatility):
    check_column(
        "btc.technical.trend_slope.50",
        lambda t: line(np.log(btc.close[t - 49 : t + 1]))[0] / volatility(t) * np.sqrt(50),
    )


def test_residual_is_the_distance_from_the_line_in_its_deviations(check_column, btc):
    def oracle(t):
        prices = np.log(btc.close[t - 49 : t + 1])
        left = prices - np.polyval(line(prices), np.arange(50))
        return left[-1] / np.sqrt((left**2).sum() / 48)

    check_column("btc.technical.residual.50", oracle)


def test_wedge_is_the_slope_of_highs_minus_that_of_lows(check_column, btc, volatility):
    def oracle(t):
        window = slice(t - 19, t + 1)
        opened = line(np.log(btc.high[window]))[0] - line(np.log(btc.low[window]))[0]
        return opened / volatility(t) * np.sqrt(20)

    check_column("btc.technical.wedge.20", oracle)


def test_bend_is_the_later_slope_minus_the_earlier(check_column, btc, volatility):
    def oracle(t):
        prices = np.log(btc.close[t - 39 : t + 1])
        return (line(prices[20:])[0] - line(prices[:20])[0]) / volatility(t) * np.sqrt(40)

    check_column("btc.technical.bend.40", oracle)
