"""Counts of labelled events by variant, and the rule that skips a variant with too few of them."""

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from fleetcast.fleet.variants import Family, Grid
from fleetcast.labels.outcomes import CLASS_NAMES

MIN_EVENTS = 200
MIN_EVENTS_OF_CLASS = 20


class VariantCounts(BaseModel):
    """A variant's labelled events, in all and by class; ``skipped`` is the reason not to train it, or None."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: int
    breakout: int
    reversal: int
    neither: int
    skipped: str | None


def count_variants(
    family: Family, grid: Grid, *, deviation: npt.NDArray[np.float64], outcome: npt.NDArray[np.int8]
) -> dict[str, VariantCounts]:
    """The counts of the family's variants by ``variant_id``, in the grid's order.

    Args:
        family: whose events these are.
        grid: spans the variants.
        deviation: of each event, ``(n_events,)``.
        outcome: classes, -1 where there is no label, ``(n_events, n_thresholds, n_horizons)``.
    """
    by_class = {
        d: np.stack([(outcome[deviation >= d] == k).sum(axis=0) for k in range(len(CLASS_NAMES))])
        for d in grid.deviations
    }
    counts = {}
    for variant in grid.variants_of(family):
        place = grid.thresholds.index(variant.threshold), grid.horizon_bars.index(variant.horizon_bars)
        breakout, reversal, neither = (int(n) for n in by_class[variant.deviation][:, *place])
        counts[variant.variant_id] = count_classes(breakout, reversal, neither)
    return counts


def count_classes(breakout: int, reversal: int, neither: int) -> VariantCounts:
    """The counts with the skip rule applied."""
    events = breakout + reversal + neither
    rare = [
        f"{n} of class {name}"
        for name, n in zip(CLASS_NAMES, (breakout, reversal, neither), strict=True)
        if n < MIN_EVENTS_OF_CLASS
    ]
    reason = None
    if events < MIN_EVENTS:
        reason = f"{events} events, at least {MIN_EVENTS} needed"
    elif rare:
        reason = f"{' and '.join(rare)}, at least {MIN_EVENTS_OF_CLASS} needed"
    return VariantCounts(events=events, breakout=breakout, reversal=reversal, neither=neither, skipped=reason)
