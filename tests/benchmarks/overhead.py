"""CPU of one shard's process tree, after imports and binning, beyond a bare loop's."""

import sys
from typing import Any

from bare import bare_loop
from prepared import forget_variants, prepare_run, run_command, train_shard

SHARD, VARIANTS_PER_POD = 17, 60  # a family in the middle of the fleet


def measure() -> dict[str, Any]:
    """Overhead as a share of LightGBM's own CPU; the bare loop runs before and after, and their mean counts."""
    args = prepare_run(300)
    forget_variants(args)
    variants = args.variants_in_shard(SHARD, variants_per_pod=VARIANTS_PER_POD)
    before = bare_loop(args, variants)
    shard = train_shard(args, shard=SHARD, variants_per_pod=VARIANTS_PER_POD, n_processes=2)
    after = bare_loop(args, variants)
    training, binning = ((a + b) / 2 for a, b in zip(before, after, strict=True))
    imports = run_command([sys.executable, "-c", "import fleetcast.jobs.main, fleetcast.jobs.train_variants"])
    overhead = shard.cpu_seconds - imports.cpu_seconds - binning - training
    return {
        "value": round(overhead / training, 4),
        "unit": "share of LightGBM's CPU",
        "limit": 0.10,
        "variants": len(variants),
        "columns": 300,
        "tree_cpu_seconds": round(shard.cpu_seconds, 2),
        "bare_training_cpu_seconds": round(training, 2),
        "import_cpu_seconds": round(imports.cpu_seconds, 2),
        "binning_cpu_seconds": round(binning, 2),
    }
