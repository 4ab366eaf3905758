"""Technical columns of who was behind the volume, against slow loops."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def bought(btc):
    """Net share of each bar's volume that counts as bought."""
    returns = np.diff(np.log(btc.close), prepend=np.nan)
    return lambda i: np.tanh(0.85 * returns[i] / returns[i - 49 : i + 1].std(ddof=1))


def test_bulk_imbalance_is_net_buying_over_volume(check_column, btc, bought):
    def oracle(t):
        window = range(t - 19, t + 1)
        return sum(bought(i) * btc.volume[i] for i in window) / btc.volume[t - 19 : t + 1].sum()

    check_column("btc.technical.bulk_imbalance.net.20", oracle)


def test_vpin_is_one_sided_volume_over_volume(check_column, btc, bought):
    def oracle(t):
        window = range(t - 19, t + 1)
        return sum(abs(bought(i)) * btc.volume[i] for i in window) / btc.volume[t - 19 : t + 1].sum()

    check_column("btc.technical.bulk_imbalance.vpin.20", oracle)


def test_up_to_down_volume_compares_rising_with_falling_bars(check_column, btc):
    def oracle(t):
        window = range(t - 99, t + 1)
        up = np.mean([btc.volume[i] for i in window if btc.close[i] > btc.close[i - 1]])
        return np.log(up / np.mean([btc.volume[i] for i in window if btc.close[i] < btc.close[i - 1]]))

    check_column("btc.technical.up_to_down_volume.100", oracle)


def test_facilitation_states_count_kinds_of_bars(check_column, btc):
    def is_fade(i):
        moved = (btc.high - btc.low) / btc.volume
        return moved[i] <= moved[i - 1] and btc.volume[i] <= btc.volume[i - 1]

    check_column(
        "btc.technical.facilitation_states.fade.20", lambda t: np.mean([is_fade(i) for i in range(t - 19, t + 1)])
    )


def test_volume_spikes_are_bars_of_twice_the_mean_before(check_column, btc):
    def is_spike(i):
        return btc.volume[i] > 2 * btc.volume[i - 50 : i].mean()

    check_column(
        "btc.technical.volume_spikes.share.100", lambda t: np.mean([is_spike(i) for i in range(t - 99, t + 1)])
    )


def test_volume_at_extremes_is_the_share_traded_at_new_highs(check_column, btc):
    def oracle(t):
        window = range(t - 99, t + 1)
        at_highs = sum(btc.volume[i] for i in window if btc.high[i] > btc.high[i - 20 : i].max())
        return at_highs / btc.volume[t - 99 : t + 1].sum()

    check_column("btc.technical.volume_at_extremes.high.20", oracle)
