"""The slices of real bars: every kind of hole, and other futures that leave the past alone."""

import numpy as np
import pytest

from fleetcast.audit.certificate import FAST_BAR_MS, MAX_WARM_UP_BARS
from fleetcast.audit.later_bars import DAY_MS, LATER_ROWS, STEP, change_after, cut_after, shock_after, shuffle_after
from fleetcast.audit.slices import BTC_OUTAGE, ETH_GAPS, JUMPS, N_ROWS, SOL_STARTS, UNKNOWN_VOLUME, load_slices
from fleetcast.data.files import NUMBERS

WEEK_MS = 7 * DAY_MS


def test_slices_hold_a_late_symbol_gaps_and_an_outage() -> None:
    quarters, hours, *_ = load_slices()
    assert len(quarters.bars.timeline) == len(hours.bars.timeline) == N_ROWS
    assert quarters.bars.rows("sol")[0] == SOL_STARTS
    missing = np.setdiff1d(np.arange(N_ROWS), quarters.bars.rows("eth"))
    assert missing.tolist() == [row for gap in ETH_GAPS for row in range(gap.start, gap.stop)]
    outage = quarters.bars.bars["btc"].part(BTC_OUTAGE.start, BTC_OUTAGE.stop)
    assert (outage.high == outage.low).all()
    assert (outage.volume == 0).all()
    assert any(gap.start <= row < gap.stop for gap in ETH_GAPS for row in quarters.ends)
    assert min(quarters.ends) < SOL_STARTS


def test_bars_of_every_length_are_cut() -> None:
    assert {one.bars.bar_ms for one in load_slices() if one.ends} == {
        FAST_BAR_MS,
        3 * FAST_BAR_MS,
        12 * FAST_BAR_MS,
        DAY_MS,
    }


def test_a_year_ends_within_bars_of_every_length_and_is_cut_at() -> None:
    _, hours, fast, days, _ = load_slices()
    for one in (hours, fast, days):
        years = one.bars.timeline.astype("datetime64[ms]").astype("datetime64[Y]")
        assert len(np.unique(years)) > 1
        if one.cuts:
            assert any(years[row] != years[row + 1] or years[row] != years[row - 1] for row in (*one.cuts, *one.ends))


def test_bars_are_cut_in_every_month_and_on_every_weekday() -> None:
    days = load_slices()[3]
    cut = days.bars.timeline[list(days.cuts)].astype("datetime64[ms]")
    assert {int(month) % 12 for month in cut.astype("datetime64[M]").astype(int)} == set(range(12))
    assert {int(day) % 7 for day in cut.astype("datetime64[D]").astype(int)} == set(range(7))


def test_a_split_jumps_and_unknown_volumes_are_cut_at() -> None:
    one = load_slices()[0]
    assert set(JUMPS.values()) <= set(one.cuts)
    assert {stretch.start for stretch in UNKNOWN_VOLUME.values()} <= {row + 1 for row in one.cuts} | set(one.cuts)


@pytest.mark.parametrize("row", [1500, 1501])
def test_a_shock_goes_beyond_all_bars_before_it_on_both_sides(row: int) -> None:
    bars = load_slices()[0].bars
    shocked = shock_after(bars, row)
    np.testing.assert_array_equal(shocked.timeline[:-1], bars.timeline[: row + 1])
    for symbol, own in shocked.bars.items():
        assert own.n_bars == 1 + (bars.bars[symbol].timestamp <= bars.timeline[row]).sum()
        assert own.high[-1] > own.high[-501:-1].max()
        assert own.low[-1] < own.low[-501:-1].min()
        assert own.low[-1] < min(own.open[-1], own.close[-1]) <= max(own.open[-1], own.close[-1]) < own.high[-1]
        assert (own.close[-1] > own.open[-1]) == (row % 2 == 0)


def test_every_start_leaves_more_bars_than_a_column_may_need() -> None:
    for one in load_slices():
        assert all(len(one.bars.timeline) - start > MAX_WARM_UP_BARS + 300 for start in one.starts)


def test_hours_are_made_of_their_quarters() -> None:
    hours = load_slices()[1].bars
    assert hours.bar_ms == 3_600_000
    assert (np.diff(hours.timeline) == hours.bar_ms).all()
    for own in hours.bars.values():
        assert (own.high >= np.maximum(own.open, own.close)).all()
        assert (own.open[1:] == own.close[:-1]).mean() > 0.2


def test_the_fast_clock_changes_the_time_of_bars_and_nothing_else() -> None:
    quarters, _, fast, *_ = (one.bars for one in load_slices())
    assert fast.bar_ms == FAST_BAR_MS
    assert (np.diff(fast.timeline) == FAST_BAR_MS).all()
    assert (quarters.timeline[0] - fast.timeline[0]) % WEEK_MS == 0
    btc = slice(0, 2500)  # before the outage
    np.testing.assert_array_equal(fast.bars["btc"].close[btc], quarters.bars["btc"].close[btc])


@pytest.mark.parametrize("replace_later", [change_after, shuffle_after])
@pytest.mark.parametrize("row", [560, 1500])
def test_another_future_has_the_same_past(replace_later, row: int) -> None:
    bars = load_slices()[0].bars
    other = replace_later(bars, row)
    np.testing.assert_array_equal(other.timeline, bars.timeline[: row + LATER_ROWS + 1])
    for symbol, own in other.bars.items():
        known = own.timestamp <= bars.timeline[row]
        for name in NUMBERS:
            before, after = getattr(bars.bars[symbol], name)[: own.n_bars], getattr(own, name)
            np.testing.assert_array_equal(after[known], before[known])
            assert (after[~known] != before[~known]).mean() > 0.9
        assert (own.high >= np.maximum(own.open, own.close)).all()
        assert (own.low <= np.minimum(own.open, own.close)).all()


def test_made_up_later_bars_are_of_every_kind() -> None:
    bars, row = load_slices()[0].bars, 3637
    own = change_after(bars, row).bars["btc"]
    later = own.part(int(np.searchsorted(own.timestamp, bars.timeline[row], side="right")), own.n_bars)
    body = np.abs(np.log(later.close / later.open))
    shadow = np.log(later.high / np.maximum(later.open, later.close))
    gap = np.abs(np.log(later.open[1:] / later.close[:-1]))
    assert 0.1 < (gap > STEP / 2).mean() < 0.5
    assert 0.3 < (gap < 1e-9).mean() < 0.8
    assert (body < 1e-9).mean() > 0.05
    assert (shadow > 3 * body).mean() > 0.1
    assert 0.01 < (later.volume == 0).mean() < 0.2
    assert (later.high == later.low)[later.volume == 0].all()


def test_a_cut_leaves_nothing_after_the_row() -> None:
    bars = load_slices()[0].bars
    cut = cut_after(bars, 700)
    np.testing.assert_array_equal(cut.timeline, bars.timeline[:701])
    assert cut.bars["sol"].n_bars == 101
