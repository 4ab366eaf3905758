"""Rows at rare bars: before them and after them, whatever symbol they are of."""

import numpy as np

from fleetcast.audit.rare_bars import rows_at_rare_bars
from fleetcast.audit.slices import BTC_OUTAGE, ETH_GAPS, FIRST_CUT, load_slices


def test_cuts_lie_before_and_after_holes_outages_and_jumps() -> None:
    rows = set(load_slices()[0].cuts)
    after_a_hole = [gap.stop for gap in ETH_GAPS if gap.stop > FIRST_CUT]
    assert rows & {row - 1 for row in after_a_hole}
    assert rows & set(after_a_hole)
    outage = set(range(BTC_OUTAGE.start, BTC_OUTAGE.stop))
    assert rows & outage
    assert rows & {row - 1 for row in outage}
    assert BTC_OUTAGE.stop in rows  # the first bar that is traded again


def test_cuts_lie_before_the_first_bars_of_days_and_weeks() -> None:
    one = load_slices()[0]
    days, weeks = one.bars.timeline // 86_400_000, (one.bars.timeline // 86_400_000 + 3) // 7
    for periods in (days, weeks):
        first = set(np.flatnonzero(np.diff(periods, prepend=periods[0])).tolist())
        assert first & {row + 1 for row in one.cuts}
        assert first & set(one.cuts)


def test_cuts_lie_within_the_bars_and_not_before_the_first_row() -> None:
    bars = load_slices()[0].bars
    rows = rows_at_rare_bars(bars, first_row=3000)
    assert min(rows) >= 3000
    assert max(rows) < len(bars.timeline) - 1
