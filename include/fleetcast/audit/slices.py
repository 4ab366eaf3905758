"""The slices of bars that columns and labels are certified on: always the same, and part of the certificate."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from fleetcast.audit.certificate import FAST_BAR_MS
from fleetcast.audit.made_up_bars import make_bars
from fleetcast.audit.rare_bars import rows_at_rare_bars
from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.data.files import NUMBERS
from fleetcast.data.reader import read_bars

SYMBOLS = ("btc", "eth", "sol")
N_ROWS, N_FAST_ROWS = 4500, 6000
N_EVENTS = 5
FIRST_CUT = 1000  # row, from which on nearly every column is known
HOUR_MS = 3_600_000

FIRST_QUARTER_HOUR = 2000  # of the sample's timeline, where the first slice begins: 2024-01-21 20:00
SOL_STARTS = 600  # this and the following are rows of the slice
ETH_GAPS = (slice(900, 901), slice(1480, 1520), slice(3333, 3336))
BTC_OUTAGE = slice(2500, 2512)  # flat bars without volume, as exchanges give them


@dataclass(frozen=True)
class Slice:
    """Bars and the timeline rows at which the audit breaks them.

    After each row of ``ends`` the later bars are cut, changed and shuffled, and after each row of ``cuts`` cut; at each
    row of ``starts`` history begins anew, with 2,000 bars and more to follow; ``prefixes`` are the rows after which
    labels may not know more. ``n_events``: after so many of each column's own events the later bars are cut too.
    ``fills_in``: only columns that did too little on the slices before are looked at.
    """

    name: str
    bars: BarSet
    ends: tuple[int, ...]
    starts: tuple[int, ...]
    prefixes: tuple[int, ...]
    cuts: tuple[int, ...] = ()
    n_events: int = N_EVENTS
    fills_in: bool = False


@cache
def load_slices() -> tuple[Slice, ...]:
    """4,500 rows of quarter-hours with every kind of hole, hours, a fast clock, and made-up bars.

    The ends of the first lie before sol begins, inside eth's gap, inside btc's outage, and before bars that moved far;
    none is the last quarter of an hour, so that a value that looks at the whole hour is found. Starts lie hours after
    a week began: what is said of that week is then wrong for longest. The third slice holds quarters of an hour that
    are called five minutes, since a day and a week of such bars are three times as many: columns of days and weeks then
    need more history. The last one fills in what real bars hardly ever show.
    """
    sample, _ = read_bars("sample", symbols=SYMBOLS)
    quarters = with_holes(part_of(sample, FIRST_QUARTER_HOUR, FIRST_QUARTER_HOUR + N_ROWS))
    all_hours = to_hours(sample)
    hours = part_of(all_hours, len(all_hours.timeline) - N_ROWS, len(all_hours.timeline))
    return (
        Slice(
            "15-minute bars with gaps",
            quarters,
            ends=(560, 1500, 2506, 3637),
            cuts=rows_at_rare_bars(quarters, first_row=FIRST_CUT),
            starts=(700, 1268, 2051, 2195),
            prefixes=(900, 1210, 1500, 1777, 2100, 2381, 2505, 2900, 3637, 4100),
        ),
        Slice(
            "1-hour bars",
            hours,
            ends=(1441,),
            cuts=rows_at_rare_bars(hours, first_row=FIRST_CUT),
            starts=(704, 1409, 2100),
            prefixes=(1000, 1441, 2506, 3333, 3728, 4200),
        ),
        Slice(
            "15-minute bars on a clock of 5 minutes",
            on_fast_clock(part_of(sample, FIRST_QUARTER_HOUR, FIRST_QUARTER_HOUR + N_FAST_ROWS)),
            ends=(2430,),
            starts=(704, 1409, 2100),
            prefixes=(),
            n_events=2,
        ),
        Slice("made-up bars", make_bars(SYMBOLS), ends=(1111,), starts=(), prefixes=(), fills_in=True),
    )


def on_fast_clock(bars: BarSet) -> BarSet:
    """The same prices, as if each bar had lasted five minutes."""
    first, n_times = int(bars.timeline[0]), bars.bar_ms // FAST_BAR_MS
    faster = {
        symbol: replace(own, timestamp=first + (own.timestamp - first) // n_times) for symbol, own in bars.bars.items()
    }
    return BarSet(bars=faster, bar_ms=FAST_BAR_MS)


def part_of(bars: BarSet, start: int, stop: int) -> BarSet:
    """The timeline rows ``start`` to before ``stop``."""
    return bars.between(int(bars.timeline[start]), int(bars.timeline[stop - 1]))


def to_hours(bars: BarSet) -> BarSet:
    """Hourly bars, of those hours that have all their bars."""
    hourly = {symbol: _to_hours(own, bars_an_hour=HOUR_MS // bars.bar_ms) for symbol, own in bars.bars.items()}
    last = min(int(own.timestamp[-1]) for own in hourly.values())
    return BarSet(bars=hourly, bar_ms=HOUR_MS).between(0, last)


def with_holes(bars: BarSet) -> BarSet:
    """The bars with a symbol that starts later, gaps of one, 40 and three bars, and an outage."""
    keep = np.ones(bars.bars["eth"].n_bars, dtype=np.bool_)
    for gap in ETH_GAPS:
        keep[gap] = False
    sol = bars.bars["sol"]
    holed = {
        "btc": _flatten(bars.bars["btc"], BTC_OUTAGE),
        "eth": _where(bars.bars["eth"], keep),
        "sol": sol.part(SOL_STARTS, sol.n_bars),
    }
    return replace(bars, bars=holed)


def _to_hours(own: SymbolBars, *, bars_an_hour: int) -> SymbolBars:
    hour = own.timestamp // HOUR_MS
    first = np.flatnonzero(np.diff(hour, prepend=hour[0] - 1))
    last = np.append(first[1:], own.n_bars) - 1
    whole = last - first == bars_an_hour - 1
    return SymbolBars(
        symbol=own.symbol,
        timestamp=hour[first][whole] * HOUR_MS,
        open=own.open[first][whole],
        high=np.maximum.reduceat(own.high, first)[whole],
        low=np.minimum.reduceat(own.low, first)[whole],
        close=own.close[last][whole],
        volume=np.add.reduceat(own.volume, first)[whole],
    )


def _flatten(own: SymbolBars, rows: slice) -> SymbolBars:
    changed = {name: getattr(own, name).copy() for name in NUMBERS}
    for name, values in changed.items():
        values[rows] = 0.0 if name == "volume" else own.close[rows.start - 1]
    return SymbolBars(symbol=own.symbol, timestamp=own.timestamp, **changed)


def _where(own: SymbolBars, keep: npt.NDArray[np.bool_]) -> SymbolBars:
    kept = {name: getattr(own, name)[keep] for name in NUMBERS}
    return SymbolBars(symbol=own.symbol, timestamp=own.timestamp[keep], **kept)
