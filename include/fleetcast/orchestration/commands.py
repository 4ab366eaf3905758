"""Between a planned command line and its typed form, and what the store must hold once the command has ended."""

from fleetcast.errors import ConfigurationError, StoreError
from fleetcast.fleet.variants import Grid
from fleetcast.job_args import fleet, tuning
from fleetcast.job_args.base import JobArgs
from fleetcast.orchestration.sequence_results import JOBS as SEQUENCE_JOBS
from fleetcast.orchestration.sequence_results import sequence_results
from fleetcast.store.manifests import RunFolder, StageFolder, certificate_folder, request_folder
from fleetcast.store.objects import Store

STAGES: dict[type[JobArgs], str] = {
    fleet.ComputeFeatures: "features",
    fleet.LabelEvents: "labels",
    fleet.SelectColumns: "checks",  # of its columns, which are committed before it
    fleet.ChooseFamilyBests: "family_bests",
    fleet.WriteLedger: "ledger",
    fleet.WriteReport: "report",
    fleet.LogRuns: "tracking",
    tuning.JudgeHoldout: "holdout",
    tuning.SelectProductionColumns: "production/checks",
    tuning.RegisterModels: "registration",
}
_ALL: list[type[JobArgs]] = [
    fleet.TakeSnapshot,
    fleet.CertifyFeatures,
    fleet.TrainVariants,
    tuning.PlanTuning,
    tuning.PlanFamilyTuning,
    tuning.RunTrials,
    tuning.CloseTuning,
    tuning.TrainProduction,
    *STAGES,
    *SEQUENCE_JOBS,
]
JOBS = {job.command: job for job in _ALL}


def read_arguments(arguments: list[str], *, shard: int | None = None, worker: int | None = None) -> JobArgs:
    """The typed form of a command line, of this shard and worker where the job has them.

    Raises:
        ConfigurationError: not a command that a task runs.
    """
    job = JOBS.get(arguments[0]) if arguments else None
    if job is None:
        raise ConfigurationError(f"unknown command {' '.join(arguments[:1])!r}: expected one of {sorted(JOBS)}")
    mapped = {name: value for name, value in (("shard", shard), ("worker", worker)) if value is not None}
    args = job.from_argv(arguments)
    return args.model_copy(update=mapped) if mapped else args


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
    """The folders that hold a manifest once the command is done.

    Raises:
        ConfigurationError: not a command that leaves one.
        StoreError: trials were to be run of a stage that is not planned.
    """
    if isinstance(args, fleet.TakeSnapshot):
        return [request_folder(Store(args.store), args.request)]
    if not isinstance(args, fleet.FleetJobArgs):
        return sequence_results(args)
    if isinstance(args, fleet.CertifyFeatures):
        return [certificate_folder(Store(args.store), args.feature_width)]
    run = RunFolder(Store(args.store), args.run_key)
    if isinstance(args, fleet.TrainVariants):
        variants = Grid.variants_in_shard(args, args.shard, variants_per_pod=args.variants_per_pod)
        return [run.variant(variant.variant_id) for variant in variants]
    if type(args) in STAGES:
        return [run.stage(STAGES[type(args)])]
    return _tuning_folders(args, run)


def _tuning_folders(args: fleet.FleetJobArgs, run: RunFolder) -> list[StageFolder]:
    match args:
        case tuning.PlanTuning():
            return [run.tuning_plan(args.stage)]
        case tuning.PlanFamilyTuning():
            return [run.tuning_plan(3, by_hand=args.by_hand)]
        case tuning.RunTrials():  # its studies, and not its trials: one that failed leaves nothing in the store
            planned = run.tuning_plan(args.stage, by_hand=args.by_hand).require().facts["studies"]
            return [run.study(study["study"]) for study in args.own_studies(planned)]
        case tuning.CloseTuning():
            return [run.tuning_result(args.stage, by_hand=args.by_hand)]
        case tuning.TrainProduction():
            return [run.production_model(family.family_id) for family in args.own_families()]
    raise ConfigurationError(f"{args.command} leaves no manifest")
