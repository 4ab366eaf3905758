"""A fleet trained on this machine, by the command lines that the process runtime runs: what a cluster must equal."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fleetcast.fleet.presets import load_preset
from fleetcast.job_args import fleet
from fleetcast.job_args.base import JobArgs
from fleetcast.orchestration.parameters import FleetParameters
from fleetcast.orchestration.planning import plan_jobs, shared_arguments
from fleetcast.store.manifests import RunFolder, StageFolder
from fleetcast.store.objects import Store

COMMAND = Path(__file__).parents[2] / ".venv" / "bin" / "fleetcast"
REQUEST = "reference"


def train_with_processes(store: Store, *, preset: str, cutoff: str, seed: int = 0, n_processes: int = 1) -> RunFolder:
    """Runs every job up to the family bests; what is committed already is not computed again.

    Args:
        store: where, a folder of this machine.
        preset: names the fleet.
        cutoff: the last instant that the run may know.
        seed: of the run.
        n_processes: shards at a time; the fleet is cut into as many.
    """
    chosen = load_preset(preset)
    n_variants = len(chosen.variants())
    parameters = FleetParameters(
        preset=preset, cutoff=cutoff, seed=seed, variants_per_pod=-(-n_variants // n_processes)
    )
    snapshot = fleet.TakeSnapshot(
        store=store.uri,
        request=REQUEST,
        symbols=chosen.symbols,
        cutoff=parameters.cutoff,
        last_bars=chosen.last_bars,
        window_bars=chosen.window_bars,
        horizon_bars=chosen.horizon_bars,
    )
    _run(snapshot)
    taken = StageFolder(store, f"requests/{REQUEST}", key=REQUEST).require()
    shared = shared_arguments(chosen, taken, seed=seed, store_uri=store.uri)
    for job in plan_jobs(shared, parameters, dag_run_id=REQUEST):
        if isinstance(job, fleet.TrainVariants):
            shards = [job.model_copy(update={"shard": shard, "n_processes": 1}) for shard in range(n_processes)]
            with ThreadPoolExecutor(n_processes) as pool:
                list(pool.map(_run, shards))
        elif not isinstance(job, fleet.WriteReport | fleet.LogRuns):
            _run(job)
    return RunFolder(store, shared.run_key)


def variant_outputs(run: RunFolder) -> dict[str, dict[str, str]]:
    """Of each committed variant: the digests of its model, its structure baseline and its predictions."""
    committed = {variant_id: run.variant(variant_id).require() for variant_id in run.committed_variants()}
    return {variant_id: manifest.outputs for variant_id, manifest in committed.items()}


def _run(job: JobArgs) -> None:
    ended = subprocess.run([str(COMMAND), *job.to_argv()], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(f"{job.command} ended with {ended.returncode}: {ended.stderr[-2000:]}")
