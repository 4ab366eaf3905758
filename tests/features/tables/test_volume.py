"""Technical columns of volume."""

import numpy as np


def test_obv_balance_is_signed_share_of_volume(check_column, btc):
    def oracle(t):
        signs = np.sign(np.diff(btc.close[t - 20 : t + 1]))
        return (signs * btc.volume[t - 19 : t + 1]).sum() / btc.volume[t - 19 : t + 1].sum()

    check_column("btc.technical.obv_balance.20", oracle)


def test_illiquidity_is_return_a_unit_of_volume_short_against_long(check_column, btc):
    impact = np.abs(np.diff(np.log(btc.close), prepend=np.nan)) / btc.volume
    check_column(
        "btc.technical.illiquidity.5-50", lambda t: np.log(impact[t - 4 : t + 1].mean() / impact[t - 49 : t + 1].mean())
    )


def test_concentration_is_one_when_all_volumes_are_equal(check_column, btc):
    def oracle(t):
        volume = btc.volume[t - 19 : t + 1]
        return 20 * (volume**2).sum() / volume.sum() ** 2

    check_column("btc.technical.concentration.20", oracle)


def test_effort_is_volumes_zscore_minus_that_of_the_range(check_column, btc):
    def zscore(x):
        return (x[-1] - x.mean()) / x.std(ddof=1)

    def oracle(t):
        window = slice(t - 19, t + 1)
        return zscore(np.log(btc.volume[window])) - zscore(np.log(btc.high[window] / btc.low[window]))

    check_column("btc.technical.effort.20", oracle)
