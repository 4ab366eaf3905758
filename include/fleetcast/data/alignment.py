"""Alignment: the part of the bars that every symbol has, and that a run may know at its cutoff."""

from datetime import datetime
from functools import reduce

import numpy as np

from fleetcast.data.bars import BarSet
from fleetcast.data.findings import Finding, instant_text
from fleetcast.errors import DataError


def align_bars(
    bars: BarSet, *, cutoff: datetime | None, last_bars: int | None = None, n_needed: int
) -> tuple[BarSet, list[Finding]]:
    """The bars from the latest first bar of a symbol to the last close that all symbols have.

    Gaps inside stay.

    Args:
        bars: as read.
        cutoff: the last instant that may be known; None: the end of the bars.
        last_bars: keep only the latest rows of the timeline, so many of them; None keeps all.
        n_needed: the fewest bars that each symbol must have left.

    Returns:
        The aligned bars, whose last close is the effective cutoff, and a repair for each symbol that lost bars
        because another one starts later or ends earlier.

    Raises:
        DataError: a symbol has no bar by the cutoff, the symbols share no instant, or too few bars are left.
    """
    known = bars if cutoff is None else _known_at(cutoff, bars)
    last = _last_common(known)
    ended = known.between(int(known.timeline[0]), last)
    recent = ended if last_bars is None else ended.between(int(ended.timeline[-last_bars:][0]), last)
    start = max(int(one.timestamp[0]) for one in recent.bars.values())
    aligned = recent.between(start, last)
    _check_long_enough(aligned, n_needed)
    findings = [
        *_left_out(recent, aligned, f"before {instant_text(start)}, where the symbol that starts last begins"),
        *_left_out(known, ended, f"after {instant_text(last)}, the last bar that all symbols have"),
    ]
    return aligned, findings


def _known_at(cutoff: datetime, bars: BarSet) -> BarSet:
    known = bars.cut(cutoff)
    for symbol, one in known.bars.items():
        if one.n_bars == 0:
            first_close = int(bars.bars[symbol].timestamp[0]) + bars.bar_ms
            raise DataError(
                f"no bar of {symbol} closes by the cutoff {cutoff.isoformat()}: its first one closes at "
                f"{instant_text(first_close)}. Choose a later cutoff or load earlier bars."
            )
    return known


def _last_common(bars: BarSet) -> int:
    common = reduce(np.intersect1d, [one.timestamp for one in bars.bars.values()])
    if len(common) == 0:
        spans = [f"{s} {instant_text(o.timestamp[0])} to {instant_text(o.timestamp[-1])}" for s, o in bars.bars.items()]
        raise DataError(f"no bar that all symbols have: {', '.join(spans)}. Load bars of one span of time.")
    return int(common[-1])


def _check_long_enough(bars: BarSet, n_needed: int) -> None:
    short = [f"{symbol} has {one.n_bars} bars" for symbol, one in bars.bars.items() if one.n_bars < n_needed]
    if short:
        raise DataError(
            f"too few bars: {', '.join(short)} of the span that all symbols share, at least {n_needed} needed for the "
            "warm-up, the widest window and the longest horizon. Load a longer history or choose a later cutoff."
        )


def _left_out(before: BarSet, after: BarSet, where: str) -> list[Finding]:
    findings = []
    for symbol, kept in after.bars.items():
        one = before.bars[symbol]
        n_lost = one.n_bars - kept.n_bars
        if n_lost:
            lost = np.setdiff1d(one.timestamp, kept.timestamp, assume_unique=True)
            message = f"left out {n_lost} bars {where}"
            findings.append(
                Finding(kind="repair", symbol=symbol, timestamp=instant_text(int(lost[0])), message=message)
            )
    return findings
