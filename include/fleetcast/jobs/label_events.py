"""label-events: every family's swings, outcomes and structure columns, as one stage of a run."""

import logging
import time
from typing import Any

from fleetcast.data.bars import BarSet, bars_needed
from fleetcast.data.snapshot import load_snapshot
from fleetcast.errors import DataError
from fleetcast.job_args.fleet import LabelEvents
from fleetcast.labels.counts import VariantCounts, count_variants
from fleetcast.labels.families import label_family, labels_file
from fleetcast.store.manifests import RunFolder, snapshot_folder
from fleetcast.store.objects import Store

log = logging.getLogger(__name__)


def run(args: LabelEvents) -> None:
    """Writes one object a family, then the manifest with all variants' counts; returns at once when that is there."""
    store = Store(args.store)
    folder = RunFolder(store, args.run_key).stage("labels")
    if folder.is_done():
        return
    bars = load_snapshot(store, args.dataset_rev, until=args.cutoff)
    check_bars_suffice(bars, args)
    started = time.process_time()
    counts: dict[str, VariantCounts] = {}
    names: list[str] = []
    for family in args.families():
        labels, names = label_family(bars, family, grid=args)
        folder.write(labels_file(family.family_id), labels.to_bytes())
        found = count_variants(family, args, deviation=labels.deviation, outcome=labels.outcome)
        counts |= found
        n_skipped = sum(c.skipped is not None for c in found.values())
        log.info("%s: %d events, %d of %d variants skipped", family.family_id, len(labels.row), n_skipped, len(found))
    facts = describe_stage(bars, counts=counts, structure_names=names)
    facts["cpu_seconds"] = time.process_time() - started
    folder.commit(inputs={"snapshot": snapshot_folder(store, args.dataset_rev).require().output_digest}, facts=facts)


def check_bars_suffice(bars: BarSet, args: LabelEvents) -> None:
    """Refuses bars that lack a symbol of the fleet or cannot hold one labelled event.

    Raises:
        DataError: naming the symbols and the number of bars needed.
    """
    missing = sorted(set(args.symbols) - set(bars.bars))
    if missing:
        raise DataError(f"snapshot {args.dataset_rev} has no bars of {missing}: found {list(bars.bars)}")
    needed = bars_needed(args.window_bars, args.horizon_bars)
    short = [f"{s} has {bars.bars[s].n_bars}" for s in args.symbols if bars.bars[s].n_bars < needed]
    if short:
        raise DataError(
            f"too few bars up to {args.cutoff.isoformat()}: {', '.join(short)}, at least {needed} needed for "
            f"window_bars {max(args.window_bars)} and horizon_bars {max(args.horizon_bars)}. Load a longer history."
        )


def describe_stage(bars: BarSet, *, counts: dict[str, VariantCounts], structure_names: list[str]) -> dict[str, Any]:
    """The facts of the labels stage."""
    return {
        "n_rows": len(bars.timeline),
        "timeline_first": int(bars.timeline[0]),
        "timeline_last": int(bars.timeline[-1]),
        "structure_columns": structure_names,
        "counts": {variant_id: found.model_dump() for variant_id, found in counts.items()},
    }
