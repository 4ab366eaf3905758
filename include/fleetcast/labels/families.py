"""One family's events and labels: found in bars, indexed by timeline row, written to and read from a stage."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from fleetcast.data.bars import BarSet, SymbolBars
from fleetcast.features.structure import structure_columns
from fleetcast.fleet.variants import Family, Grid, Variant
from fleetcast.labels.outcomes import UNKNOWN, Outcomes, find_outcomes
from fleetcast.labels.swings import SwingPath, Swings, find_swings
from fleetcast.store.manifests import StageFolder


@dataclass(frozen=True)
class FamilyLabels:
    """Events of one family in order of time, and their labels under every threshold and horizon of the grid.

    ``row`` (n_events,) int32: the event bar's timeline row. ``deviation`` (n_events,) float64: a variant's events
    are those at or above its deviation. ``outcome`` (n_events, n_thresholds, n_horizons) int8: the class, -1 where
    the horizon reaches beyond the last bar. ``known_row``, same shape, int32: the row at which it was certain, or
    -1. ``end_row`` (n_events, n_horizons) int32: the row of the horizon's last bar, or the timeline's length where
    that lies beyond. ``structure`` (n_events, n_structure) float32: what the structure baseline sees.
    """

    row: npt.NDArray[np.int32]
    deviation: npt.NDArray[np.float64]
    outcome: npt.NDArray[np.int8]
    known_row: npt.NDArray[np.int32]
    end_row: npt.NDArray[np.int32]
    structure: npt.NDArray[np.float32]

    def outcome_of(self, variant: Variant, grid: Grid) -> npt.NDArray[np.int8]:
        """(n_events,) outcome of every event of the family under the variant's threshold and horizon."""
        return self.outcome[:, grid.thresholds.index(variant.threshold), grid.horizon_bars.index(variant.horizon_bars)]

    def variant_view(self, variant: Variant, grid: Grid) -> "VariantLabels":
        """The events that have a label under the variant."""
        place = grid.thresholds.index(variant.threshold), grid.horizon_bars.index(variant.horizon_bars)
        events = np.flatnonzero((self.deviation >= variant.deviation) & (self.outcome[:, *place] != UNKNOWN))
        return VariantLabels(
            events=events,
            row=self.row[events],
            y=self.outcome[events, *place],
            known_row=self.known_row[events, *place],
            end_row=self.end_row[events, place[1]],
        )

    def to_bytes(self) -> bytes:
        """As an uncompressed npz file; the same labels always give the same bytes."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **{field.name: getattr(self, field.name) for field in fields(self)})
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "FamilyLabels":
        """The inverse of `to_bytes`."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class VariantLabels:
    """One variant's labelled events, ``(n_labels,)`` each: places in its `FamilyLabels`, rows, class and reach."""

    events: npt.NDArray[np.intp]
    row: npt.NDArray[np.int32]
    y: npt.NDArray[np.int8]
    known_row: npt.NDArray[np.int32]
    end_row: npt.NDArray[np.int32]

    def where(self, chosen: npt.NDArray[np.bool_]) -> "VariantLabels":
        """Those of a mask, ``(n_labels,)``."""
        return VariantLabels(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def label_family(bars: BarSet, family: Family, *, grid: Grid) -> tuple[FamilyLabels, list[str]]:
    """The family's labels on the timeline, and the names of the structure columns."""
    own = bars.bars[family.symbol]
    swings, outcomes = find_events(own, family, grid=grid)
    structure, names = structure_columns(
        own, swings.t, swing_type=family.swing_type, deviation=swings.deviation, volatility=swings.volatility
    )
    labels = index_by_row(
        swings,
        outcomes,
        rows=bars.rows(family.symbol),
        n_rows=len(bars.timeline),
        horizon_bars=grid.horizon_bars,
        structure=structure,
    )
    return labels, names


def find_events(bars: SymbolBars, family: Family, *, grid: Grid) -> tuple[Swings, Outcomes]:
    """All events of the family that any of its variants uses, with what followed, in the symbol's own bars."""
    path = SwingPath.of(bars, family.swing_type)
    swings = find_swings(path, window_bars=family.window_bars, min_deviation=min(grid.deviations))
    outcomes = find_outcomes(path, swings, thresholds=grid.thresholds, horizon_bars=grid.horizon_bars)
    return swings, outcomes


def index_by_row(
    swings: Swings,
    outcomes: Outcomes,
    *,
    rows: npt.NDArray[np.int64],
    n_rows: int,
    horizon_bars: Sequence[int],
    structure: npt.NDArray[np.float32],
) -> FamilyLabels:
    """A family's labels on the timeline that all symbols share.

    Args:
        swings: in the symbol's own bars.
        outcomes: of these swings.
        rows: the timeline row of each of the symbol's bars, ``(n_bars,)``.
        n_rows: the timeline's length.
        horizon_bars: the grid's, ``(n_horizons,)``.
        structure: columns of the structure baseline, ``(n_events, n_structure)``.
    """
    row_of = np.append(rows, n_rows)  # one beyond the last bar; -1, no bar, finds it too
    ends = np.minimum(swings.t[:, None] + np.asarray(horizon_bars), len(rows))
    known_row = np.where(outcomes.known == UNKNOWN, UNKNOWN, row_of[outcomes.known])
    return FamilyLabels(
        row=rows[swings.t].astype(np.int32),
        deviation=swings.deviation,
        outcome=outcomes.outcome,
        known_row=known_row.astype(np.int32),
        end_row=row_of[ends].astype(np.int32),
        structure=structure,
    )


def load_family_labels(folder: StageFolder, family_id: str) -> FamilyLabels:
    """The family's labels from a committed labels stage.

    Raises:
        StoreError: the stage is not done, or the object does not match its manifest.
    """
    return FamilyLabels.from_bytes(folder.read(labels_file(family_id)))


def labels_file(family_id: str) -> str:
    """The object of one family in the labels stage."""
    return f"{family_id}.npz"
