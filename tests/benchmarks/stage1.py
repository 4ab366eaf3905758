"""All 2160 variants on 100 columns, and the plain process pool on a fair sample of them."""

import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from prepared import forget_variants, prepare_run, train_shard

from fleetcast.fleet.results import VariantResult
from fleetcast.fleet.variants import Variant
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.store.manifests import RunFolder

N_PROCESSES = 2
N_SAMPLED = 48  # evenly spaced over the grid, so that every family and deviation has its share
N_COMPARED = 240  # for the precision alone: variants of a family share their rows, so 48 say little
POLL_SECONDS = 0.1


def measure() -> dict[str, Any]:
    """Wall seconds of the fleet; the pool's are those of its sample times the share it stands for."""
    args = prepare_run(100)
    folder = forget_variants(args)
    variants = args.variants()
    ours = train_shard(args, shard=0, variants_per_pod=len(variants), n_processes=N_PROCESSES)
    results = {v.variant_id: read_result(folder, v) for v in variants}
    with tempfile.TemporaryDirectory() as scratch:
        pool_seconds, _ = run_plain_pool(args, spread(variants, N_SAMPLED), Path(scratch))
        compared = [v for v in spread(variants, N_COMPARED) if results[v.variant_id].judged]
        _, pool_precision = run_plain_pool(args, compared, Path(scratch))
    pool_seconds *= len(variants) / N_SAMPLED
    difference, error = mean_by_family(
        {v: results[v.variant_id].metrics["macro_average_precision"] - pool_precision[v.variant_id] for v in compared}
    )
    return {
        "value": round(ours.wall_seconds, 1),
        "unit": "s",
        "limit": 300,
        "also": {
            "ratio_at_most_0.2": bool(ours.wall_seconds / pool_seconds <= 0.2),
            "precision_not_worse": difference >= -2 * error,
        },
        "ratio": round(ours.wall_seconds / pool_seconds, 4),
        "pool_seconds_extrapolated": round(pool_seconds, 1),
        "pool_sampled_variants": N_SAMPLED,
        "precision_difference": round(difference, 5),
        "precision_difference_error": round(error, 5),
        "precision_compared_variants": len(compared),
        "variants": len(variants),
        "trained": sum(r.status == "trained" for r in results.values()),
        "columns": 100,
        "cpu_seconds": round(ours.cpu_seconds, 1),
        "training_cpu_seconds": round(sum(r.training_cpu_seconds for r in results.values()), 1),
        "structure_cpu_seconds": round(sum(r.structure_cpu_seconds for r in results.values()), 1),
    }


def spread(variants: tuple[Variant, ...], n_wanted: int) -> list[Variant]:
    """So many variants, evenly spaced."""
    return [variants[i] for i in np.linspace(0, len(variants) - 1, n_wanted).astype(int)]


def mean_by_family(differences: dict[Variant, float]) -> tuple[float, float]:
    """The mean and its standard error, for which the variants of a family count as one observation.

    Source: Liang and Zeger 1986, of a mean, with the correction for few clusters.
    """
    mean = float(np.mean(list(differences.values())))
    residuals: dict[str, float] = defaultdict(float)
    for variant, value in differences.items():
        residuals[variant.family.family_id] += value - mean
    n_families = len(residuals)
    spread_of_sums = np.sum(np.square(list(residuals.values()))) * n_families / (n_families - 1)
    return mean, float(np.sqrt(spread_of_sums)) / len(differences)


def read_result(folder: RunFolder, variant: Variant) -> VariantResult:
    """What the variant's manifest says."""
    return VariantResult.model_validate(folder.variant(variant.variant_id).require().facts)


def run_plain_pool(args: FleetJobArgs, variants: list[Variant], scratch: Path) -> tuple[float, dict[str, float]]:
    """Starts one Python process a variant, at most two at a time, and polls; seconds and precision by variant."""
    (scratch / "args.json").write_text(args.model_dump_json())
    script = str(Path(__file__).with_name("plain_variant.py"))
    waiting, running = list(variants), []
    started = time.perf_counter()
    while waiting or running:
        while waiting and len(running) < N_PROCESSES:
            variant_id = waiting.pop(0).variant_id
            command = [sys.executable, script, str(scratch / "args.json"), variant_id, str(scratch / variant_id)]
            running.append(subprocess.Popen(command))
        time.sleep(POLL_SECONDS)
        if any(process.poll() not in (None, 0) for process in running):
            raise RuntimeError("a process of the plain pool failed; its message stands above")
        running = [process for process in running if process.poll() is None]
    seconds = time.perf_counter() - started
    outputs = {v.variant_id: json.loads((scratch / f"{v.variant_id}.json").read_text()) for v in variants}
    return seconds, {name: output["macro_average_precision"] for name, output in outputs.items()}
