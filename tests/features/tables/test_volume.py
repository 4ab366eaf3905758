"""Technical columns of volume."""

import dataclasses

import numpy as np

from fleetcast.data.bars import BarSet
from fleetcast.features.engine import compute_columns


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


def test_money_flow_is_volume_by_the_closes_place_over_volume(check_column, btc):
    def oracle(t):
        window = slice(t - 19, t + 1)
        place = (2 * btc.close - btc.high - btc.low)[window] / (btc.high - btc.low)[window]
        return (place * btc.volume[window]).sum() / btc.volume[window].sum()

    check_column("btc.technical.money_flow.20", oracle)


def test_money_flow_is_unknown_while_nothing_is_traded(make_bars):
    own = make_bars(n_bars=60)
    volume = np.where(np.arange(60) // 10 == 3, 0.0, own.volume)
    bars = BarSet(bars={"btc": dataclasses.replace(own, volume=volume)}, bar_ms=900_000)
    found = compute_columns(bars, ["btc.technical.money_flow.5"])[:, 0]
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found)), [0, 1, 2, 3, *range(34, 40)])
