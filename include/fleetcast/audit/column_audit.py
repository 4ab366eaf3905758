"""Two questions to every column: does a later bar change an earlier value, and how much history does a value need?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.audit.certificate import MAX_WARM_UP_BARS, SLOW_BAR_MS
from fleetcast.audit.later_bars import change_after, cut_after, shock_after, shuffle_after
from fleetcast.audit.own_events import choose_cuts, own_events
from fleetcast.audit.slices import N_EVENTS, Slice
from fleetcast.data.bars import BarSet
from fleetcast.data.findings import instant_text
from fleetcast.features.columns import Column
from fleetcast.features.engine import FeatureEngine, Matrix
from fleetcast.features.history import History

TOLERANCE = 1e-5  # of the column's own standard deviation
LEAST_BARS = 100  # that are left by a cut after an event
ALIKE_SHARE, ALIKE_BARS = 1.15, 5  # warm-ups from several starts that differ by less are alike

FUTURES: dict[str, Callable[[BarSet, int], BarSet]] = {
    "cut": cut_after,
    "changed": change_after,
    "shuffled": shuffle_after,
    "one shock": shock_after,
}


@dataclass
class ColumnAudit:
    """What was found of one column.

    ``leak`` says which later bars changed a value, or is None: none was found. ``warm_up_bars``: after so many bars of
    history all values on the slices were within 1e-5 of the column's standard deviation of those with long history.
    ``distance`` is the largest one, in standard deviations, beyond 2,000 bars. ``fast_warm_up_bars``: with bars of 5
    minutes, which make days and weeks three times as many bars as 15 minutes do. ``known``: it has a value on bars that
    are real. ``varies``: how long that takes depends on the bars, as it does for the age of the last event of a kind.
    ``n_events``: after so many of its own events the later bars were cut.
    """

    name: str
    leak: str | None = None
    warm_up_bars: int = 0
    fast_warm_up_bars: int = 0
    distance: float = 0.0
    known: bool = False
    varies: bool = False
    n_events: int = 0

    @property
    def refusal(self) -> str | None:
        """Why the column is not admitted, or None."""
        if self.leak is not None:
            return self.leak
        if not self.known:
            return "has no value on any slice of real bars"
        if self.warm_up_bars > MAX_WARM_UP_BARS:
            off = f"off by up to {self.distance:.1g} standard deviations" if np.isfinite(self.distance) else "not known"
            return (
                f"needs {self.warm_up_bars} bars of history or more, at most {MAX_WARM_UP_BARS} are allowed; with so "
                f"many it is {off}"
            )
        return None


def audit_columns(columns: Sequence[Column], slices: Sequence[Slice]) -> list[ColumnAudit]:
    """Audits the columns on every slice, in the order given.

    Raises:
        DataError: a formula failed; it names the column.
    """
    audits = [ColumnAudit(column.name) for column in columns]
    for one in slices:
        places = [i for i, audit in enumerate(audits) if not one.fills_in or audit.n_events < N_EVENTS]
        if places:
            _audit_on(one, [columns[i] for i in places], [audits[i] for i in places])
    return audits


def _audit_on(one: Slice, columns: Sequence[Column], audits: Sequence[ColumnAudit]) -> None:
    whole = FeatureEngine(one.bars).compute(columns)
    for kind, row in futures_of(one):
        other = FUTURES[kind](one.bars, row)
        if all(own.n_bars for own in other.bars.values()):  # not so where a symbol begins later
            _compare(columns, audits, other, whole[: row + 1], said=f"{kind} ({one.name})")
    if one.n_events:
        _cut_at_own_events(columns, audits, one, whole=whole)
    for i in np.flatnonzero(~np.isnan(whole).all(axis=0)).tolist():
        audits[i].known |= not one.fills_in
    if one.starts:
        _measure_warm_up(columns, audits, one, whole=whole)


def futures_of(one: Slice) -> list[tuple[str, int]]:
    """What follows after which row in place of the slice's own bars."""
    return [
        *((kind, row) for row in one.ends for kind in ("cut", "changed")),
        *(("shuffled", row) for row in one.ends[-1:]),
        *(("one shock", row) for row in one.cuts),
    ]


def _cut_at_own_events(columns: Sequence[Column], audits: Sequence[ColumnAudit], one: Slice, *, whole: Matrix) -> None:
    events = own_events(whole, n_wanted=one.n_events)
    events[: _first_whole_row(one.bars) + LEAST_BARS] = False
    for row, places in choose_cuts(events, n_events=one.n_events):
        some = [audits[i] for i in places]
        for audit in some:
            audit.n_events += 1
        known = whole[: row + 1, places]
        _compare([columns[i] for i in places], some, cut_after(one.bars, row), known, said=f"cut ({one.name})")


def _compare(
    columns: Sequence[Column], audits: Sequence[ColumnAudit], bars: BarSet, known: Matrix, *, said: str
) -> None:
    """Notes the columns whose values are not those ``known`` before later bars were others, ``(n_rows, n_columns)``."""
    n_rows = len(known)
    values = FeatureEngine(bars).compute(columns)[:n_rows]
    differs = (values != known) & ~(np.isnan(values) & np.isnan(known))
    for i in np.flatnonzero(differs.any(axis=0)).tolist():
        if audits[i].leak is None:
            first = int(np.argmax(differs[:, i]))
            audits[i].leak = (
                f"knows later bars: with those after {instant_text(int(bars.timeline[n_rows - 1]))} {said}, its value "
                f"at {instant_text(int(bars.timeline[first]))} is {values[first, i]:g} and not {known[first, i]:g}"
            )


def _first_whole_row(bars: BarSet) -> int:
    """The first row at which every symbol has had a bar."""
    return max(int(bars.rows(symbol)[0]) for symbol in bars.bars)


def _measure_warm_up(columns: Sequence[Column], audits: Sequence[ColumnAudit], one: Slice, *, whole: Matrix) -> None:
    needed = np.zeros((len(one.starts), len(columns)), dtype=np.int64)
    spreads = [_spread(whole[:, i]) for i in range(len(columns))]
    timeline = one.bars.timeline
    for k, start in enumerate(one.starts):
        later = one.bars.between(int(timeline[start]), int(timeline[-1]))
        history = History(later)
        values = FeatureEngine(later).compute(columns)
        for i, column in enumerate(columns):
            distance = _distance(values[:, i], whole[start:, i], spread=spreads[i])
            off = np.flatnonzero(distance > TOLERANCE)
            n_bars = history.bars_of(column)
            needed[k, i] = n_bars[off[-1]] if len(off) else 0
            if needed[k, i] > MAX_WARM_UP_BARS:
                audits[i].distance = max(audits[i].distance, float(distance[n_bars > MAX_WARM_UP_BARS].max()))
    for audit, shortest, longest in zip(audits, needed.min(axis=0), needed.max(axis=0), strict=True):
        audit.varies |= bool(longest > ALIKE_SHARE * shortest + ALIKE_BARS)
        if one.bars.bar_ms < SLOW_BAR_MS:
            audit.fast_warm_up_bars = max(audit.fast_warm_up_bars, int(longest))
        else:
            audit.warm_up_bars = max(audit.warm_up_bars, int(longest))


def _spread(whole: npt.NDArray[np.float32]) -> float:
    known = whole[~np.isnan(whole)].astype(np.float64)
    return float(known.std()) if len(known) else 0.0


def _distance(
    values: npt.NDArray[np.float32], expected: npt.NDArray[np.float32], *, spread: float
) -> npt.NDArray[np.float64]:
    """In standard deviations, ``(n_rows,)``; infinite where just one of the two is known."""
    distance = np.abs(values.astype(np.float64) - expected)
    one_unknown = np.isnan(values) != np.isnan(expected)
    scaled = np.where(distance > 0, distance / spread if spread > 0 else np.inf, 0.0)
    return np.where(one_unknown, np.inf, scaled)
