"""Between a planned command line and its typed form, and what the store must hold once the command has ended."""

from fleetcast.errors import ConfigurationError, StoreError
from fleetcast.fleet.variants import Grid
from fleetcast.job_args import fleet
from fleetcast.job_args.base import JobArgs
from fleetcast.store.manifests import RunFolder, StageFolder, certificate_folder, request_folder
from fleetcast.store.objects import Store

STAGES: dict[type[JobArgs], str] = {
    fleet.ComputeFeatures: "features",
    fleet.LabelEvents: "labels",
    fleet.SelectColumns: "columns",
    fleet.ChooseFamilyBests: "family_bests",
    fleet.WriteReport: "report",
    fleet.LogRuns: "tracking",
}
_ALL: list[type[JobArgs]] = [fleet.TakeSnapshot, fleet.CertifyFeatures, fleet.TrainVariants, *STAGES]
JOBS = {job.command: job for job in _ALL}


def read_arguments(arguments: list[str], *, shard: int | None = None) -> JobArgs:
    """The typed form of a command line, of this shard where the job has shards.

    Raises:
        ConfigurationError: not a command that a task runs.
    """
    job = JOBS.get(arguments[0]) if arguments else None
    if job is None:
        raise ConfigurationError(f"unknown command {' '.join(arguments[:1])!r}: expected one of {sorted(JOBS)}")
    args = job.from_argv(arguments)
    return args if shard is None else args.model_copy(update={"shard": shard})


def check_results(args: JobArgs) -> None:
    """A task's good end is no evidence, and neither is a pod that is gone: only manifests are.

    Raises:
        StoreError: the command has ended, and a manifest that it should have committed is missing.
    """
    missing = [folder.path for folder in result_folders(args) if folder.committed() is None]
    if missing:
        raise StoreError(
            f"{args.command} ended, but {len(missing)} manifests are missing, such as {missing[0]}/manifest.json: "
            f"its pod was probably removed before it was done. A retry computes only what is missing."
        )


def result_folders(args: JobArgs) -> list[StageFolder]:
    """The folders that hold a manifest once the command is done."""
    if isinstance(args, fleet.TakeSnapshot):
        return [request_folder(Store(args.store), args.request)]
    if not isinstance(args, fleet.FleetJobArgs):
        raise ConfigurationError(f"{args.command} leaves no manifest")
    if isinstance(args, fleet.CertifyFeatures):
        return [certificate_folder(Store(args.store), args.feature_width)]
    run = RunFolder(Store(args.store), args.run_key)
    if isinstance(args, fleet.TrainVariants):
        variants = Grid.variants_in_shard(args, args.shard, variants_per_pod=args.variants_per_pod)
        return [run.variant(variant.variant_id) for variant in variants]
    return [run.stage(STAGES[type(args)])]
