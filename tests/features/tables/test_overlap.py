"""Technical columns of overlap studies."""

import numpy as np


def test_distance_to_average_is_in_atr(check_column, btc, atr):
    check_column("btc.technical.sma_distance.50", lambda t: (btc.close[t] - btc.close[t - 49 : t + 1].mean()) / atr[t])


def test_percent_b_is_a_zscore_of_the_close(check_column, btc):
    def oracle(t):
        window = btc.close[t - 49 : t + 1]
        return (btc.close[t] - window.mean()) / window.std(ddof=1)

    check_column("btc.technical.percent_b.50", oracle)


def test_age_of_a_cross_counts_bars_since_the_averages_changed_places(check_column, btc):
    def averages(span):
        values = np.full(btc.n_bars, np.nan)
        values[span - 1] = btc.close[:span].mean()
        for t in range(span, btc.n_bars):
            values[t] = values[t - 1] + 2 / (span + 1) * (btc.close[t] - values[t - 1])
        return values

    above = averages(5) > averages(20)
    check_column(
        "btc.technical.ema_cross.age.5-20", lambda t: t - max(i for i in range(21, t + 1) if above[i] != above[i - 1])
    )


def test_volume_weighting_is_weighted_minus_plain_mean(check_column, btc, atr):
    def oracle(t):
        window = slice(t - 19, t + 1)
        weighted = np.average(btc.close[window], weights=btc.volume[window])
        return (weighted - btc.close[window].mean()) / atr[t]

    check_column("btc.technical.volume_weighting.20", oracle)
