"""Ten times the variants: total CPU against LightGBM's own, and the peak memory of the largest process."""

import resource
from typing import Any

from prepared import forget_variants, prepare_run, train_shard
from stage1 import read_result

from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.store.manifests import RunFolder

FEW, MANY = 60, 600


def measure() -> dict[str, Any]:
    """Cost of 600 variants over that of 60, each relative to what LightGBM itself took for them.

    The families differ in their rows, so seconds alone would compare families; LightGBM's own CPU is the unit.
    """
    args = prepare_run(100)
    few, few_memory = _cost(args, variants_per_pod=FEW)
    many, many_memory = _cost(args, variants_per_pod=MANY)
    growth = 10 * many / few
    return {
        "value": round(growth, 3),
        "unit": "times the cost of 60 of 600 variants, in LightGBM's own CPU",
        "limit": 10.5,
        "also": {"memory_flat": many_memory <= 1.1 * few_memory},
        "few_variants": FEW,
        "many_variants": MANY,
        "few_peak_mib": round(few_memory / 1024),
        "many_peak_mib": round(many_memory / 1024),
    }


def _cost(args: FleetJobArgs, *, variants_per_pod: int) -> tuple[float, int]:
    """CPU of the tree per CPU second of LightGBM, and the peak KiB of its largest process so far."""
    folder = forget_variants(args)
    cost = train_shard(args, shard=0, variants_per_pod=variants_per_pod, n_processes=2)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return cost.cpu_seconds / _lightgbm_seconds(folder, args, variants_per_pod), memory


def _lightgbm_seconds(folder: RunFolder, args: FleetJobArgs, variants_per_pod: int) -> float:
    results = [read_result(folder, v) for v in args.variants_in_shard(0, variants_per_pod=variants_per_pod)]
    return sum(r.training_cpu_seconds + r.structure_cpu_seconds for r in results)
