"""The whole fleet's stage 1 on 300 columns, beside a bare loop over a fair sample of its groups."""

from itertools import groupby
from typing import Any

from bare import bare_loop
from prepared import forget_variants, prepare_run, train_shard

EVERY = 13  # the bare loop takes each 13th group: 12 of 144, and as many of each deviation


def measure() -> dict[str, Any]:
    """Wall seconds of the fleet on 2 cores."""
    args = prepare_run(300)
    forget_variants(args)
    variants = args.variants()
    ours = train_shard(args, shard=0, variants_per_pod=len(variants), n_processes=2)
    groups = [list(members) for _, members in groupby(variants, key=lambda v: (v.family, v.deviation))]
    sampled = [variant for group in groups[::EVERY] for variant in group]
    training, binning = (seconds * len(variants) / len(sampled) for seconds in bare_loop(args, sampled))
    return {
        "value": round(ours.wall_seconds / 60, 2),
        "unit": "min",
        "limit": 12,
        "variants": len(variants),
        "columns": 300,
        "cpu_seconds": round(ours.cpu_seconds, 1),
        "bare_training_cpu_seconds_extrapolated": round(training, 1),
        "bare_binning_cpu_seconds_extrapolated": round(binning, 1),
        "bare_sampled_variants": len(sampled),
    }
