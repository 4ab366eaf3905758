"""Labels that know later bars, and rows that reach into later parts: what the audit must find."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fleetcast.audit.default_fleet import GRID, label
from fleetcast.audit.row_audit import UsedRows
from fleetcast.data.bars import BarSet
from fleetcast.features.structure import structure_columns
from fleetcast.fleet.variants import Family
from fleetcast.labels.families import FamilyLabels, find_events, index_by_row
from fleetcast.labels.outcomes import NEITHER, UNKNOWN, find_outcomes
from fleetcast.labels.swings import SwingPath, Swings
from fleetcast.selection.sampling import sample_variants, selection_rows
from fleetcast.splits.parts import Parts, fit_stop_boundary, part_rows


@dataclass(frozen=True)
class PlantedLabels:
    """One mutation of how a family's labels are made."""

    name: str
    label: Callable[[BarSet, Family], FamilyLabels]


@dataclass(frozen=True)
class PlantedRows:
    """One mutation of which rows a step uses."""

    name: str
    use: Callable[[FamilyLabels, Parts], UsedRows]


def relabel(
    bars: BarSet,
    family: Family,
    *,
    swings: Callable[[Swings], Swings] = lambda s: s,
    horizon_bars: tuple[int, ...] = GRID.horizon_bars,
    structure_lag: int = 0,
) -> FamilyLabels:
    """The labels, with other swings, horizons or structure columns."""
    own = bars.bars[family.symbol]
    found = swings(find_events(own, family, grid=GRID)[0])
    outcomes = find_outcomes(
        SwingPath.of(own, family.swing_type), found, thresholds=GRID.thresholds, horizon_bars=horizon_bars
    )
    structure, _ = structure_columns(
        own,
        np.minimum(found.t + structure_lag, own.n_bars - 1),
        swing_type=family.swing_type,
        deviation=found.deviation,
        volatility=found.volatility,
    )
    return index_by_row(
        found,
        outcomes,
        rows=bars.rows(family.symbol),
        n_rows=len(bars.timeline),
        horizon_bars=GRID.horizon_bars,
        structure=structure,
    )


def undecided_counts_as_neither(bars: BarSet, family: Family) -> FamilyLabels:
    labels = label(bars, family)
    unknown = labels.outcome == UNKNOWN
    known_row = np.where(unknown, len(bars.timeline) - 1, labels.known_row).astype(np.int32)
    return replace(labels, outcome=np.where(unknown, NEITHER, labels.outcome).astype(np.int8), known_row=known_row)


def known_earlier(bars: BarSet, family: Family, n_bars: int) -> FamilyLabels:
    labels = label(bars, family)
    earlier = np.maximum(labels.known_row - n_bars, labels.row[:, None, None] + 1)
    return replace(labels, known_row=np.where(labels.outcome == UNKNOWN, UNKNOWN, earlier).astype(np.int32))


def only_confirmed(bars: BarSet, family: Family) -> FamilyLabels:
    """Keeps the events that the next bar does not go beyond."""
    own = bars.bars[family.symbol]
    following = np.append(own.high[1:], -np.inf) if family.swing_type == "high" else -np.append(own.low[1:], np.inf)
    level = own.high if family.swing_type == "high" else -own.low

    def choose(swings: Swings) -> Swings:
        kept = following[swings.t] < level[swings.t]
        return Swings(t=swings.t[kept], deviation=swings.deviation[kept], volatility=swings.volatility[kept])

    return relabel(bars, family, swings=choose)


def deviation_at_next_open(bars: BarSet, family: Family) -> FamilyLabels:
    labels, own = label(bars, family), bars.bars[family.symbol]
    t = np.searchsorted(bars.rows(family.symbol), labels.row)
    gap = np.append(own.open[1:], own.close[-1])[t] / own.close[t] - 1
    return replace(labels, deviation=labels.deviation + gap)


LABELS = (
    PlantedLabels("known at one bar too early", lambda bars, family: known_earlier(bars, family, 1)),
    PlantedLabels("known at the event", lambda bars, family: known_earlier(bars, family, 1000)),
    PlantedLabels("label before its horizon has passed", undecided_counts_as_neither),
    PlantedLabels(
        "outcome decided with a bar beyond h",
        lambda bars, family: relabel(bars, family, horizon_bars=tuple(h + 1 for h in GRID.horizon_bars)),
    ),
    PlantedLabels(
        "label that appears too late",
        lambda bars, family: replace(
            (made := label(bars, family)),
            outcome=np.where((made.end_row < len(bars.timeline) - 30)[:, None, :], made.outcome, UNKNOWN).astype(
                np.int8
            ),
        ),
    ),
    PlantedLabels("label from the next open", deviation_at_next_open),
    PlantedLabels("events that the next bar confirms", only_confirmed),
    PlantedLabels(
        "deviation scaled by the whole sample",
        lambda bars, family: replace(
            (made := label(bars, family)), deviation=made.deviation / bars.bars[family.symbol].close.std()
        ),
    ),
    PlantedLabels(
        "barriers by the whole sample's volatility",
        lambda bars, family: relabel(
            bars,
            family,
            swings=lambda s: replace(
                s, volatility=np.full(len(s.t), np.diff(np.log(bars.bars[family.symbol].close)).std())
            ),
        ),
    ),
    PlantedLabels("structure columns of the next bar", lambda bars, family: relabel(bars, family, structure_lag=1)),
)


def uses(purpose: str, labels: FamilyLabels, chosen: np.ndarray, start: int, stop: int) -> UsedRows:
    return UsedRows(purpose, labels.row[chosen], labels.end_row.max(axis=1)[chosen], start, stop)


def fit_rows(labels: FamilyLabels, parts: Parts, reach: np.ndarray) -> UsedRows:
    """Rows to fit on, purged by another reach."""
    stop = fit_stop_boundary(0, parts.train_end)
    return uses("fit", labels, part_rows(labels.row, reach, start=0, stop=stop), 0, stop)


def rows_of_variant(labels: FamilyLabels, parts: Parts, reach: np.ndarray, *, horizon: int) -> UsedRows:
    """Training rows of the labels of one horizon and the lowest threshold, purged by another reach."""
    chosen = part_rows(labels.row, reach, start=0, stop=parts.train_end) & (labels.outcome[:, 0, horizon] != UNKNOWN)
    return UsedRows("train", labels.row[chosen], labels.end_row[chosen, horizon], 0, parts.train_end)


def selected_rows(labels: FamilyLabels, parts: Parts, *, screen_end: int) -> UsedRows:
    variant = sample_variants(GRID, 1)[0]
    rows = selection_rows(labels, variant, grid=GRID, screen_end=screen_end)
    places = np.searchsorted(labels.row, rows.stop_row)
    reach = labels.end_row[:, GRID.horizon_bars.index(variant.horizon_bars)]
    return UsedRows("selection", rows.stop_row, reach[places], 0, parts.screen_end)


def train(labels: FamilyLabels, parts: Parts, chosen: np.ndarray) -> UsedRows:
    return uses("train", labels, chosen, 0, parts.train_end)


ROWS = (
    PlantedRows("label overlap: no purge", lambda s, p: train(s, p, s.row < p.train_end)),
    PlantedRows("purge off by one", lambda s, p: rows_of_variant(s, p, s.end_row[:, 1] - 1, horizon=1)),
    PlantedRows("purge by touching bar", lambda s, p: rows_of_variant(s, p, s.known_row[:, 0, 4], horizon=4)),
    PlantedRows("purge by the shortest horizon", lambda s, p: fit_rows(s, p, s.end_row.min(axis=1))),
    PlantedRows("purge by a count of rows too few", lambda s, p: fit_rows(s, p, s.row + 50)),
    PlantedRows(
        "early stopping reaches validation",
        lambda s, p: uses(
            "stop",
            s,
            (s.row >= fit_stop_boundary(0, p.train_end)) & (s.row < p.train_end),
            fit_stop_boundary(0, p.train_end),
            p.train_end,
        ),
    ),
    PlantedRows("fit on the rows that stop it", lambda s, p: fit_rows(s, p, s.end_row.max(axis=1) - p.train_end // 10)),
    PlantedRows(
        "validation reaches the holdout",
        lambda s, p: uses(
            "validation", s, (s.row >= p.train_end) & (s.row < p.validation_end), p.train_end, p.validation_end
        ),
    ),
    PlantedRows(
        "validation begins before training ends",
        lambda s, p: uses(
            "validation",
            s,
            part_rows(s.row, s.end_row.max(axis=1), start=p.train_end - 60, stop=p.validation_end),
            p.train_end,
            p.validation_end,
        ),
    ),
    PlantedRows(
        "split by chance and not by time",
        lambda s, p: train(s, p, np.random.default_rng(0).random(len(s.row)) < 0.7),
    ),
    PlantedRows("parts of a longer timeline", lambda s, p: train(s, p, s.end_row.max(axis=1) < p.train_end * 1.02)),
    PlantedRows("selection outside the fold", lambda s, p: selected_rows(s, p, screen_end=p.train_end)),
    PlantedRows(
        "screen that saw validation",
        lambda s, p: UsedRows("screen", np.arange(p.validation_end), np.arange(p.validation_end), 0, p.screen_end),
    ),
)
