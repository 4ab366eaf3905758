"""Job ``train-variants``: stage 1 over one shard."""

import logging
import signal
import tempfile
from pathlib import Path

from fleetcast.errors import ConfigurationError
from fleetcast.job_args.fleet import TrainVariants
from fleetcast.training.cpu import cpu_limit
from fleetcast.training.device import check_device
from fleetcast.training.row_checks import check_rows
from fleetcast.training.run_data import load_run_data
from fleetcast.training.shard import Shard
from fleetcast.training.workers import Limits, Workers

logger = logging.getLogger(__name__)


def run(args: TrainVariants) -> None:
    """Trains the shard's variants that have no manifest; on SIGTERM commits what is complete and ends with 1."""
    variants = args.variants_in_shard(args.shard, variants_per_pod=args.variants_per_pod)
    if not variants:
        n_shards = args.n_shards(variants_per_pod=args.variants_per_pod)
        raise ConfigurationError(f"no shard {args.shard}: expected one of 0 to {n_shards - 1}")
    check_device(args.lightgbm_device)
    n_processes = args.n_processes or cpu_limit()
    logger.info("shard %d: %d variants, %d processes", args.shard, len(variants), n_processes)
    with tempfile.TemporaryDirectory(prefix="fleetcast-shard-", ignore_cleanup_errors=True) as scratch:
        workers = Workers(
            n_processes=n_processes,
            limits=Limits(seconds=args.time_limit_seconds, memory_bytes=args.memory_limit_bytes),
            scratch=Path(scratch),
        )
        signal.signal(signal.SIGTERM, lambda *_: workers.stop())
        data = load_run_data(args)
        check_rows(data, list(dict.fromkeys(variant.family for variant in variants)))
        Shard(data, variants, workers=workers).train()
