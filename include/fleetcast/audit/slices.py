"""The slices of bars that columns and labels are certified on: always the same, and part of the certificate."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from fleetcast.audit.certificate import FAST_BAR_MS
from fleetcast.audit.made_up_bars import make_bars
from fleetcast.audit.rare_bars import rows_at_rare_bars
from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.data.files import NUMBERS, PRICES
from fleetcast.data.reader import read_bars

SYMBOLS = ("btc", "eth", "sol")
N_ROWS, N_FAST_ROWS = 4500, 6000
N_EVENTS = 5
FIRST_CUT = 1000  # row, from which on nearly every column is known
HOUR_MS = 3_600_000
Times = npt.NDArray[np.int64]

FIRST_QUARTER_HOUR = 2000  # of the sample's timeline, where the first slice begins: 2024-01-21 20:00
SOL_STARTS = 600  # this and the following are rows of the slice
ETH_GAPS = (slice(900, 901), slice(1480, 1520), slice(3333, 3336))
BTC_OUTAGE = slice(2500, 2512)  # flat bars without volume, as exchanges give them
UNKNOWN_VOLUME = {"btc": slice(2800, 2806), "eth": slice(2830, 2836), "sol": slice(2860, 2866)}
JUMPS = {"btc": 2950, "eth": 3050, "sol": 2990}  # all prices from here on are others, as after a split
JUMP_SIZE = 1.08
DAY_MS = 86_400_000
HOURS_EARLIER_DAYS, FAST_EARLIER_DAYS = 26 * 7, 5 * 7  # whole weeks: a year then ends within
N_DAYS, FIRST_DAY_MS = 1300, 1_608_508_800_000  # 2020-12-21
YEARS_LAST_DAY = 1105  # row: 2023-12-31
DAYS_OF_MONTHS = tuple(range(930, 1272, 31))  # rows: a day of each month from July 2023 on, each on another weekday


@dataclass(frozen=True)
class Slice:
    """Bars and the timeline rows at which the audit breaks them.

    After each row of ``ends`` the later bars are cut and changed, after the last of them shuffled too, and after each
    row of ``cuts`` a shock follows; at each row of ``starts`` history begins anew, with 2,000 bars and more to follow;
    ``prefixes`` are the rows after which labels may not know more. ``n_events``: after so many of each column's own
    events the later bars are cut too. ``fills_in``: only columns that did too little on other slices are looked at.
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
    """4,500 rows of quarter-hours with every kind of hole, hours, a fast clock, a daily one, and made-up bars.

    The ends of the first lie before sol begins, inside eth's gap, inside btc's outage, and before bars that moved far;
    none is the last quarter of an hour, so that a value that looks at the whole hour is found. Starts lie hours after
    a week began: what is said of that week is then wrong for longest. The third slice holds quarters of an hour that
    are called five minutes, since a day and a week of such bars are three times as many: columns of days and weeks then
    need more history. Hours and the fast clock are set back by whole weeks, so that a year ends within; days are cut in
    every month, since no bar of the others is one of April to August. The last one fills in what real bars hardly ever
    show.
    """
    sample, _ = read_bars("sample", symbols=SYMBOLS)
    made_up = Slice("made-up bars", make_bars(SYMBOLS), ends=(1111,), starts=(), prefixes=(), fills_in=True)
    return _quarters(sample), _hours(sample), _fast(sample), _days(sample), made_up


def _quarters(sample: BarSet) -> Slice:
    bars = with_holes(part_of(sample, FIRST_QUARTER_HOUR, FIRST_QUARTER_HOUR + N_ROWS))
    return Slice(
        "15-minute bars with gaps",
        bars,
        ends=(560, 1500, 2506, 3637),
        cuts=rows_at_rare_bars(bars, first_row=FIRST_CUT),
        starts=(700, 1268, 2051, 2195),
        prefixes=(900, 1210, 1500, 1777, 2100, 2381, 2505, 2900, 3637, 4100),
    )


def _hours(sample: BarSet) -> Slice:
    hours = to_hours(sample)
    bars = earlier(part_of(hours, len(hours.timeline) - N_ROWS, len(hours.timeline)), HOURS_EARLIER_DAYS)
    return Slice(
        "1-hour bars",
        bars,
        ends=(1441,),
        cuts=rows_at_rare_bars(bars, first_row=FIRST_CUT),
        starts=(704, 1409, 2100),
        prefixes=(1000, 1441, 2506, 3333, 3728, 4200),
    )


def _fast(sample: BarSet) -> Slice:
    quarters = part_of(sample, FIRST_QUARTER_HOUR, FIRST_QUARTER_HOUR + N_FAST_ROWS)
    bars = on_clock(quarters, bar_ms=FAST_BAR_MS, first_ms=int(quarters.timeline[0]))
    return Slice(
        "15-minute bars on a clock of 5 minutes",
        earlier(bars, FAST_EARLIER_DAYS),
        ends=(2430,),
        starts=(704, 1409, 2100),
        prefixes=(),
        n_events=2,
    )


def _days(sample: BarSet) -> Slice:
    return Slice(
        "15-minute bars on a clock of days",
        on_clock(part_of(sample, 0, N_DAYS), bar_ms=DAY_MS, first_ms=FIRST_DAY_MS),
        ends=(YEARS_LAST_DAY,),
        cuts=(*DAYS_OF_MONTHS, YEARS_LAST_DAY - 20, YEARS_LAST_DAY + 1),
        starts=(),
        prefixes=(),
        n_events=0,
    )


def on_clock(bars: BarSet, *, bar_ms: int, first_ms: int) -> BarSet:
    """The same prices, as if each bar had lasted so long and the first had begun then."""
    return _with_times(bars, lambda times: first_ms + (times - bars.timeline[0]) // bars.bar_ms * bar_ms, bar_ms=bar_ms)


def earlier(bars: BarSet, n_days: int) -> BarSet:
    """The same bars, as if all had been so many days before."""
    return _with_times(bars, lambda times: times - n_days * DAY_MS, bar_ms=bars.bar_ms)


def part_of(bars: BarSet, start: int, stop: int) -> BarSet:
    """The timeline rows ``start`` to before ``stop``."""
    return bars.between(int(bars.timeline[start]), int(bars.timeline[stop - 1]))


def to_hours(bars: BarSet) -> BarSet:
    """Hourly bars, of those hours that have all their bars."""
    hourly = {symbol: _to_hours(own, bars_an_hour=HOUR_MS // bars.bar_ms) for symbol, own in bars.bars.items()}
    last = min(int(own.timestamp[-1]) for own in hourly.values())
    return BarSet(bars=hourly, bar_ms=HOUR_MS).between(0, last)


def with_holes(bars: BarSet) -> BarSet:
    """The bars with a symbol that starts later, gaps, an outage, jumps, and volumes that nobody knows."""
    keep = np.ones(bars.bars["eth"].n_bars, dtype=np.bool_)
    for gap in ETH_GAPS:
        keep[gap] = False
    sol = bars.bars["sol"]
    holed = {
        "btc": flatten(_disturb(bars.bars["btc"]), BTC_OUTAGE),
        "eth": _where(_disturb(bars.bars["eth"]), keep),
        "sol": _disturb(sol).part(SOL_STARTS, sol.n_bars),
    }
    return replace(bars, bars=holed)


def _disturb(own: SymbolBars) -> SymbolBars:
    """A jump of all later prices, and some volumes that nobody knows."""
    changed = {name: getattr(own, name).copy() for name in NUMBERS}
    changed["volume"][UNKNOWN_VOLUME[own.symbol]] = np.nan
    for name in PRICES:
        changed[name][JUMPS[own.symbol] :] *= JUMP_SIZE
    return SymbolBars(symbol=own.symbol, timestamp=own.timestamp, **changed)


def _with_times(bars: BarSet, at: Callable[[Times], Times], *, bar_ms: int) -> BarSet:
    moved = {symbol: replace(own, timestamp=at(own.timestamp)) for symbol, own in bars.bars.items()}
    return BarSet(bars=moved, bar_ms=bar_ms)


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


def flatten(own: SymbolBars, rows: slice) -> SymbolBars:
    """The bars with an outage: they stay at the close before it, and nothing is traded."""
    changed = {name: getattr(own, name).copy() for name in NUMBERS}
    for name, values in changed.items():
        values[rows] = 0.0 if name == "volume" else own.close[rows.start - 1]
    return SymbolBars(symbol=own.symbol, timestamp=own.timestamp, **changed)


def _where(own: SymbolBars, keep: npt.NDArray[np.bool_]) -> SymbolBars:
    kept = {name: getattr(own, name)[keep] for name in NUMBERS}
    return SymbolBars(symbol=own.symbol, timestamp=own.timestamp[keep], **kept)
