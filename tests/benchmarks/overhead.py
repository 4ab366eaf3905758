"""CPU of one shard's process tree, after imports and binning, beyond bare loops'."""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from bare import bare_loop
from prepared import forget_variants, prepare_run, run_command, train_shard

from fleetcast.fleet.results import VariantResult
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store

SHARD, VARIANTS_PER_POD, N_PROCESSES = 17, 60, 2  # a family in the middle of the fleet


def measure() -> dict[str, Any]:
    """Overhead as a share of LightGBM's own CPU.

    The bare loops run two at a time as the shard's processes do, because two busy cores share caches and a lone loop is
    faster than either; they run before and after the shard, and their mean counts.
    """
    args = prepare_run(300)
    forget_variants(args)
    before = bare_loops(args)
    shard = train_shard(args, shard=SHARD, variants_per_pod=VARIANTS_PER_POD, n_processes=N_PROCESSES)
    after = bare_loops(args)
    training, binning = ((a + b) / 2 for a, b in zip(before, after, strict=True))
    imports = run_command([sys.executable, "-c", "import fleetcast.jobs.main, fleetcast.jobs.train_variants"])
    references = fits_of_references(args)
    overhead = shard.cpu_seconds - imports.cpu_seconds - binning - training - references
    return {
        "value": round(overhead / training, 4),
        "unit": "share of LightGBM's CPU",
        "limit": 0.10,
        "variants": VARIANTS_PER_POD,
        "columns": 300,
        "tree_cpu_seconds": round(shard.cpu_seconds, 2),
        "bare_training_cpu_seconds": round(training, 2),
        "import_cpu_seconds": round(imports.cpu_seconds, 2),
        "binning_cpu_seconds": round(binning, 2),
        "references_cpu_seconds": round(references, 2),
    }


def fits_of_references(args: FleetJobArgs) -> float:
    """CPU seconds inside LightGBM of what the shard's references are fitted on besides, which the loops leave out."""
    folder = RunFolder(Store(args.store), args.run_key)
    variants = args.variants_in_shard(SHARD, variants_per_pod=VARIANTS_PER_POD)
    facts = [folder.variant(variant.variant_id).require().facts for variant in variants]
    return sum(VariantResult.model_validate(one).earlier_cpu_seconds for one in facts)


def bare_loops(args: FleetJobArgs) -> tuple[float, float]:
    """CPU seconds of LightGBM, and of gathering and binning once, over the shard's variants in two processes."""
    variants = args.variants_in_shard(SHARD, variants_per_pod=VARIANTS_PER_POD)
    half = VARIANTS_PER_POD // N_PROCESSES  # whole groups, so that each is binned once
    with ProcessPoolExecutor(N_PROCESSES, mp_context=get_context("spawn")) as pool:
        seconds = list(pool.map(bare_loop, [args, args], [variants[:half], variants[half:]]))
    return sum(training for training, _ in seconds), sum(binning for _, binning in seconds)
