"""compute-features: every feature column over the snapshot's timeline, block by block, as one stage of a run."""

import logging
import time

from fleetcast.audit.admission import Admission
from fleetcast.audit.certificate import require_certificate
from fleetcast.data.snapshot import load_snapshot
from fleetcast.features.blocks import block_file, block_to_bytes
from fleetcast.features.catalogue import Block, list_blocks
from fleetcast.features.engine import Matrix, compute_blocks
from fleetcast.job_args.fleet import ComputeFeatures
from fleetcast.store.manifests import RunFolder, snapshot_folder
from fleetcast.store.objects import Store
from fleetcast.training.cpu import cpu_limit

log = logging.getLogger(__name__)


def run(args: ComputeFeatures) -> None:
    """Writes one object a block, then the manifest; returns at once when that is there.

    Columns that the leak certificate does not admit are left out; of the others, rows with less history than it states
    are unknown.

    A block is held in memory only while it is computed and written. An attempt that was killed left no manifest, and
    the next one computes all blocks again: that costs seconds, and gives the same bytes.
    """
    started = time.monotonic()
    store = Store(args.store)
    folder = RunFolder(store, args.run_key).stage("features")
    if folder.is_done():
        return
    certificate = require_certificate(store, args.feature_width)
    bars = load_snapshot(store, args.dataset_rev, until=args.cutoff)
    admission = Admission(certificate, bars)
    blocks, refused = admission.admitted_blocks(list_blocks(tuple(bars.bars), width=args.feature_width))
    n_columns = sum(len(block.columns) for block in blocks)
    done: list[str] = []

    def write(block: Block, values: Matrix) -> None:
        admission.mask_warm_up(values, block.columns)
        folder.write(block_file(block.name), block_to_bytes([column.name for column in block.columns], values))
        done.append(block.name)
        log.info("%s: %d columns, block %d of %d", block.name, len(block.columns), len(done), len(blocks))

    compute_blocks(bars, blocks, sink=write, n_threads=cpu_limit())
    seconds = time.monotonic() - started
    folder.commit(
        inputs={
            "snapshot": snapshot_folder(store, args.dataset_rev).require().output_digest,
            "certificate": certificate.digest,
        },
        facts={
            "n_rows": len(bars.timeline),
            "n_columns": n_columns,
            "blocks": {block.name: [column.name for column in block.columns] for block in blocks},
            "target_related": [column.name for block in blocks for column in block.columns if column.target_related],
            "not_admitted": refused,
            "certificate_key": certificate.key,
            "seconds": round(seconds, 3),
            "cpu_seconds": round(time.process_time(), 3),
        },
    )
    log.info("%d columns x %d rows in %.1f s", n_columns, len(bars.timeline), seconds)
