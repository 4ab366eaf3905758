"""Job ``train-production``: the production models of one shard of families."""

import signal
import tempfile
from pathlib import Path

from fleetcast.errors import ConfigurationError
from fleetcast.job_args.tuning import TrainProduction
from fleetcast.training.cpu import cpu_limit
from fleetcast.training.device import check_device
from fleetcast.training.production import load_production_data
from fleetcast.training.production_shard import train_families
from fleetcast.training.workers import Limits, Workers


def run(args: TrainProduction) -> None:
    """Trains the shard's models that have no manifest; on SIGTERM commits what is complete and ends with 1."""
    shard = [family.family_id for family in args.own_families()]
    if not shard:
        n_shards = -(-len(args.families()) // args.families_per_pod)
        raise ConfigurationError(f"no shard {args.shard}: expected one of 0 to {n_shards - 1}")
    check_device(args.lightgbm_device)
    with tempfile.TemporaryDirectory(prefix="fleetcast-production-", ignore_cleanup_errors=True) as scratch:
        workers = Workers(
            n_processes=args.n_processes or cpu_limit(),
            limits=Limits(seconds=args.time_limit_seconds, memory_bytes=args.memory_limit_bytes),
            scratch=Path(scratch),
        )
        signal.signal(signal.SIGTERM, lambda *_: workers.stop())
        train_families(load_production_data(args), shard, workers=workers)
