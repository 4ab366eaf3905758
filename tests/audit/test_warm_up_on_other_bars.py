"""Certified warm-ups on bars that no slice holds: what was measured elsewhere is enough here too."""

import os
from collections.abc import Sequence
from dataclasses import replace

import pytest

from fleetcast.audit.certificate import SHIPPED, Certificate
from fleetcast.audit.column_audit import audit_columns
from fleetcast.audit.slices import FIRST_QUARTER_HOUR, N_ROWS, SYMBOLS, Slice, flatten, part_of
from fleetcast.data.bars import BarSet
from fleetcast.data.reader import read_bars
from fleetcast.features.catalogue import list_columns
from fleetcast.features.columns import Column

OTHER_BARS = os.environ.get("FLEETCAST_OTHER_BARS", "")
CERTIFICATE = Certificate.model_validate_json(SHIPPED.read_bytes())
STARTS = (311, 1207, 2050)


def too_short(bars: BarSet, columns: Sequence[Column], *, starts: tuple[int, ...] = STARTS) -> list[str]:
    """The columns whose certified warm-up is shorter than what these bars need."""
    audits = audit_columns(columns, [Slice("other bars", bars, ends=(), starts=starts, prefixes=(), n_events=1)])
    needed = [(c, max(a.warm_up_bars, a.fast_warm_up_bars)) for c, a in zip(columns, audits, strict=True)]
    return [
        f"{column.name} needs {n_bars}"
        for column, n_bars in needed
        if n_bars > CERTIFICATE.warm_up_of(column, bar_ms=bars.bar_ms)
    ]


def test_later_bars_of_the_sample_need_no_more() -> None:
    sample, _ = read_bars("sample", symbols=SYMBOLS)
    first = FIRST_QUARTER_HOUR + 2 * N_ROWS
    assert too_short(part_of(sample, first, first + N_ROWS), list_columns(SYMBOLS)[::61]) == []


def test_an_outage_soon_after_history_begins_needs_no_more() -> None:
    """Columns of volume, for which an outage says the same wherever history begins before it."""
    sample, _ = read_bars("sample", symbols=SYMBOLS)
    bars = part_of(sample, FIRST_QUARTER_HOUR, FIRST_QUARTER_HOUR + N_ROWS)
    bars = replace(bars, bars={**bars.bars, "btc": flatten(bars.bars["btc"], slice(2140, 2152))})
    columns = [c for c in list_columns(SYMBOLS, width="full") if c.symbol == "btc" and "log_volume" in c.name]
    assert too_short(bars, columns, starts=(1640, 1840, 1970, 2060, 2090, 2120)) == []


@pytest.mark.skipif(not OTHER_BARS, reason="FLEETCAST_OTHER_BARS names no bars of other years to try warm-ups on")
@pytest.mark.parametrize("part", [0.15, 0.5, 0.8])
def test_bars_of_other_years_need_no_more(part: float) -> None:
    bars, _ = read_bars(OTHER_BARS, symbols=SYMBOLS)
    first = int(part * len(bars.timeline))
    assert too_short(part_of(bars, first, first + N_ROWS), list_columns(SYMBOLS)[::29]) == []
