"""A run of the bundled sample up to training, made by the real jobs and kept between benchmarks."""

import os
import resource
import shutil
import subprocess
import sys
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from fleetcast.fleet.presets import load_preset
from fleetcast.job_args.base import JobArgs
from fleetcast.job_args.fleet import (
    CertifyFeatures,
    ComputeFeatures,
    FleetJobArgs,
    LabelEvents,
    SelectColumns,
    TakeSnapshot,
    TrainVariants,
)
from fleetcast.jobs.main import run
from fleetcast.store.manifests import RunFolder, StageFolder
from fleetcast.store.objects import Store

HOME = Path(__file__).parents[2] / ".fleetcast" / "benchmarks"
FLEETCAST = Path(sys.executable).with_name("fleetcast")


@dataclass(frozen=True)
class Cost:
    """Of a command and its whole process tree."""

    wall_seconds: float
    cpu_seconds: float


def prepare_run(n_columns: int) -> FleetJobArgs:
    """Arguments of a run of the whole fleet whose labels and columns are committed."""
    store = Store((HOME / "store").as_uri())
    preset = load_preset("sample", n_columns=n_columns)
    request = f"benchmark-{os.getpid()}"
    _do(TakeSnapshot(store=store.uri, request=request, symbols=preset.symbols))
    facts = StageFolder(store, f"requests/{request}", key=request).require().facts
    args = FleetJobArgs(
        store=store.uri,
        dataset_rev=facts["dataset_rev"],
        cutoff=facts["cutoff"],
        **preset.model_dump(exclude={"last_bars"}),
    ).with_run_key()
    for job in (LabelEvents, CertifyFeatures, ComputeFeatures, SelectColumns):
        _do(args.for_job(job))
    return args


def forget_variants(args: FleetJobArgs) -> RunFolder:
    """The run's folder without any trained variant."""
    folder = RunFolder(Store(args.store), args.run_key)
    path = folder.store.local_path(f"{folder.path}/variants")
    if path is not None:
        shutil.rmtree(path, ignore_errors=True)
    return folder


def train_shard(args: FleetJobArgs, *, shard: int, variants_per_pod: int, n_processes: int) -> Cost:
    """Runs the job ``train-variants`` as a pod would, its log beside the store."""
    job = args.for_job(TrainVariants, shard=shard, variants_per_pod=variants_per_pod, n_processes=n_processes)
    with (HOME / "train.log").open("w") as log:
        return run_command([str(FLEETCAST), *job.to_argv()], log=log)


def run_command(command: list[str], *, log: object = subprocess.DEVNULL) -> Cost:
    """Runs a command to its end and measures its tree, all of whose processes it must have waited for."""
    before, started = _children_cpu(), time.perf_counter()
    subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)  # type: ignore[call-overload]
    return Cost(time.perf_counter() - started, _children_cpu() - before)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _do(args: JobArgs) -> None:
    with redirect_stdout(sys.stderr):  # a benchmark's output is one JSON line
        code = run(args.to_argv())
    if code != 0:
        raise SystemExit(f"could not prepare the benchmark: {args.command} failed")
