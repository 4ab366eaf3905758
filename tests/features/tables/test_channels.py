"""Technical columns of channels and ribbons, against slow loops."""

import itertools

import numpy as np
import pytest


def middle(bars, t, n_bars):
    """Halfway between the highest high and the lowest low."""
    return (bars.high[t - n_bars + 1 : t + 1].max() + bars.low[t - n_bars + 1 : t + 1].min()) / 2


def streak(sides, t):
    """Bars in a row with this bar's sign, with that sign."""
    length = 0
    while sides[t - length] == sides[t]:
        length += 1
    return sides[t] * length


@pytest.fixture(scope="module")
def averages(btc):
    """Mean of the last ``n`` closes, by ``n``."""
    return lambda n: np.array([btc.close[max(0, t - n + 1) : t + 1].mean() for t in range(btc.n_bars)])


def test_treatment_run_counts_closes_on_one_side_of_the_average(check_column, btc, averages):
    sides = np.sign(btc.close - averages(25))
    check_column("btc.technical.treatment.run.25", lambda t: streak(sides, t))


def test_treatment_touches_are_bars_that_reach_the_average(check_column, btc, averages):
    average = averages(25)
    check_column(
        "btc.technical.treatment.touches.25",
        lambda t: np.mean([btc.low[i] <= average[i] <= btc.high[i] for i in range(t - 49, t + 1)]),
    )


def test_donchian_contraction_compares_the_channel_with_one_twice_as_long(check_column, btc):
    def width(t, n_bars):
        return btc.high[t - n_bars + 1 : t + 1].max() - btc.low[t - n_bars + 1 : t + 1].min()

    check_column("btc.technical.donchian.contraction.25", lambda t: np.log(width(t, 25) / width(t, 50)))


def test_donchian_age_counts_bars_since_a_new_extreme(check_column, btc):
    def oracle(t):
        age = 0
        while not (
            btc.high[t - age] > btc.high[t - age - 25 : t - age].max()
            or btc.low[t - age] < btc.low[t - age - 25 : t - age].min()
        ):
            age += 1
        return age

    check_column("btc.technical.donchian.widened_age.25", oracle)


@pytest.mark.parametrize(
    ("output", "oracle"),
    [
        ("turning", lambda b, t: middle(b, t, 9) - middle(b, t, 26)),
        ("first_span", lambda b, t: b.close[t] - (middle(b, t - 26, 9) + middle(b, t - 26, 26)) / 2),
        ("second_span", lambda b, t: b.close[t] - middle(b, t - 26, 52)),
        ("cloud_ahead", lambda b, t: (middle(b, t, 9) + middle(b, t, 26)) / 2 - middle(b, t, 52)),
    ],
)
def test_ichimoku_is_in_atr(check_column, btc, atr, output, oracle):
    check_column(f"btc.technical.ichimoku.{output}.9-26-52", lambda t: oracle(btc, t) / atr[t])


def test_bands_outside_is_the_share_of_closes_beyond_two_deviations(check_column, btc):
    def is_outside(t):
        window = btc.close[t - 49 : t + 1]
        return abs(btc.close[t] - window.mean()) > 2 * window.std(ddof=1)

    check_column("btc.technical.bands.outside.50", lambda t: np.mean([is_outside(i) for i in range(t - 99, t + 1)]))


def test_ribbon_order_is_net_pairs_of_averages_in_order(check_column, btc):
    def averages(span):
        values = np.full(btc.n_bars, btc.close[:span].mean())
        for t in range(span, btc.n_bars):
            values[t] = values[t - 1] + 2 / (span + 1) * (btc.close[t] - values[t - 1])
        return values

    lines = [averages(span) for span in (5, 8, 13, 21, 34, 55)]
    check_column(
        "btc.technical.ribbon.order.1",
        lambda t: sum(np.sign(fast[t] - slow[t]) for fast, slow in itertools.pairwise(lines)),
    )
