"""Job ``take-panel``: daily bars in, an immutable panel out, found again under the name of its request."""

import logging
from typing import Any

from fleetcast.job_args.sequence import TakePanel
from fleetcast.sequence.panels import Panel, read_panel
from fleetcast.sequence.pinned_files import pinned_file
from fleetcast.sequence.stored_panels import known_until, store_panel
from fleetcast.store.manifests import Manifest, StageFolder, request_folder
from fleetcast.store.objects import Store

log = logging.getLogger(__name__)


def run(args: TakePanel) -> None:
    """Reads and repairs everything first, so that bad bars leave nothing behind in the store."""
    store = Store(args.store)
    request = request_folder(store, args.request)
    manifest = request.committed()
    if manifest is None:
        manifest = _take(args, store, request)
    else:
        log.info("request %s was taken before", args.request)
    print(f"panel {manifest.facts['dataset_rev']} up to {manifest.facts['cutoff']}")


def _take(args: TakePanel, store: Store, request: StageFolder) -> Manifest:
    panel, source = _read(args, args.panel, symbols=args.symbols, n_stocks=args.n_stocks)
    index = _read(args, args.index) if args.index else None
    inputs = {"panel": store_panel(store, panel, source=source).output_digest}
    facts: dict[str, Any] = {
        "dataset_rev": panel.dataset_rev,
        "index_rev": None,
        "cutoff": known_until(panel).isoformat(),
        "requested_cutoff": args.cutoff and args.cutoff.isoformat(),
        "panel": args.panel,
        "source": source,
        "symbols": list(panel.symbols),
        "n_dates": len(panel.dates),
        "findings": [finding.model_dump() for finding in panel.findings],
    }
    if index is not None:
        inputs["index"] = store_panel(store, index[0], source=index[1]).output_digest
        facts["index_rev"] = index[0].dataset_rev
    return request.commit(inputs=inputs, facts=facts)


def _read(
    args: TakePanel, path: str, *, symbols: tuple[str, ...] = (), n_stocks: int | None = None
) -> tuple[Panel, str]:
    with pinned_file(path, remote=args.dvc_remote) as pinned:
        panel = read_panel(pinned.path, symbols=symbols or None, n_stocks=n_stocks, cutoff=args.cutoff)
    for finding in panel.findings:
        log.warning("%s", finding)
    return panel, pinned.source
