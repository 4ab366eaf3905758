"""labels count: how many labelled events each variant has over all bars of a file or folder."""

import json
import logging
from collections.abc import Iterator

from fleetcast.data.reader import read_bars
from fleetcast.data.remote import bars_on_disk
from fleetcast.fleet.presets import load_preset
from fleetcast.fleet.variants import Family
from fleetcast.job_args.looking import LabelsCount
from fleetcast.labels.counts import VariantCounts, count_variants
from fleetcast.labels.families import find_events

log = logging.getLogger(__name__)


def run(args: LabelsCount) -> None:
    """Prints one JSON object a variant in the grid's order, or one line a family."""
    grid = load_preset(args.preset)
    with bars_on_disk(args.bars) as path:
        bars, findings = read_bars(path, symbols=grid.symbols)
    for finding in findings:
        log.warning("%s", finding)
    for family in grid.families():
        swings, outcomes = find_events(bars.bars[family.symbol], family, grid=grid)
        counts = count_variants(family, grid, deviation=swings.deviation, outcome=outcomes.outcome)
        lines = json_lines(counts) if args.json_lines else [describe_family(family, counts)]
        print("\n".join(lines))


def json_lines(counts: dict[str, VariantCounts]) -> Iterator[str]:
    """One JSON object a variant."""
    for variant_id, found in counts.items():
        yield json.dumps({"variant_id": variant_id, **found.model_dump()})


def describe_family(family: Family, counts: dict[str, VariantCounts]) -> str:
    """The family's variants on one line: the range of their events, the rarest class, and how many are skipped."""
    events = [found.events for found in counts.values()]
    rarest = min(min(found.breakout, found.reversal, found.neither) for found in counts.values())
    n_skipped = sum(found.skipped is not None for found in counts.values())
    return (
        f"{family.family_id:<14} {len(counts)} variants   events {min(events):>6,} to {max(events):>6,}   "
        f"rarest class {rarest:>5,}   skipped {n_skipped}"
    )
