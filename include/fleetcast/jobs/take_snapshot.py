"""take-snapshot: bars in, an immutable snapshot out, found again under the name of its request."""

import logging

from fleetcast.data.alignment import align_bars
from fleetcast.data.bars import bars_needed
from fleetcast.data.reader import read_bars
from fleetcast.data.remote import bars_on_disk
from fleetcast.data.snapshot import take_snapshot
from fleetcast.job_args.fleet import TakeSnapshot
from fleetcast.store.manifests import Manifest, StageFolder, request_folder
from fleetcast.store.objects import Store

log = logging.getLogger(__name__)


def run(args: TakeSnapshot) -> None:
    """Reads, checks and aligns everything first, so that bad bars leave nothing behind in the store."""
    store = Store(args.store)
    request = request_folder(store, args.request)
    manifest = request.committed()
    if manifest is None:
        manifest = _take(args, store, request)
    else:
        log.info("request %s was taken before", args.request)
    print(f"snapshot {manifest.facts['dataset_rev']} up to {manifest.facts['cutoff']}")


def _take(args: TakeSnapshot, store: Store, request: StageFolder) -> Manifest:
    with bars_on_disk(args.bars) as path:
        bars, found = read_bars(path, symbols=args.symbols)
    n_needed = bars_needed(args.window_bars, args.horizon_bars)
    aligned, trimmed = align_bars(bars, cutoff=args.cutoff, last_bars=args.last_bars, n_needed=n_needed)
    findings = [*found, *trimmed]
    for finding in findings:
        log.warning("%s", finding)
    snapshot = take_snapshot(store, aligned, findings=findings)
    facts = {
        "dataset_rev": snapshot.key,
        "cutoff": snapshot.facts["cutoff"],
        "requested_cutoff": args.cutoff and args.cutoff.isoformat(),
        "bars": args.bars,
        "symbols": snapshot.facts["symbols"],
        "n_bars": snapshot.facts["n_bars"],
        "findings": [finding.model_dump() for finding in findings],
    }
    return request.commit(inputs={"snapshot": snapshot.output_digest}, facts=facts)
