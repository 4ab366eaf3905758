"""What the store must hold once a sequence model's job has ended."""

from typing import Any

from fleetcast.errors import ConfigurationError
from fleetcast.job_args import sequence
from fleetcast.job_args.base import JobArgs
from fleetcast.job_args.sequence_config import CnnLstmTraining, Config, ConvLstmTraining, ConvLstmTuning, parse_config
from fleetcast.store.manifests import StageFolder, request_folder, sequence_folder
from fleetcast.store.objects import Store
from fleetcast.store.texts import read_text

STAGES: dict[type[JobArgs], tuple[str, ...]] = {
    sequence.TrainConvlstm: ("model",),
    sequence.EvaluateConvlstm: ("evaluation",),
    sequence.RegisterConvlstm: ("registration",),
    sequence.TrainCnnLstm: ("model", "evaluation"),
    sequence.RegisterCnnLstm: ("registration",),
}
JOBS: tuple[type[JobArgs], ...] = (sequence.TakePanel, sequence.TuneConvlstm, sequence.TuneCnnLstm, *STAGES)


def sequence_results(args: JobArgs) -> list[StageFolder]:
    """The folders that hold a manifest once the command is done.

    Raises:
        ConfigurationError: not a command that a task runs, or its configuration cannot be read.
    """
    if isinstance(args, sequence.TakePanel):
        return [request_folder(Store(args.store), args.request)]
    if not isinstance(args, sequence.SequenceArgs) or type(args) not in JOBS:
        raise ConfigurationError(f"{args.command} leaves no manifest")
    kind: Any = CnnLstmTraining if isinstance(args, sequence.CnnLstmArgs) else ConvLstmTraining
    stages: tuple[str, ...] = ("study",)
    config, revs = _read(args.config, kind, overrides=args.overrides()), args.taken_revs()
    match args:
        case sequence.TuneConvlstm():
            tuning = _read(args.tuning_config, ConvLstmTuning)
            key = args.study_key(config, tuning, dataset_revs=revs)
        case sequence.TuneCnnLstm():
            key = args.study_key(config, dataset_revs=revs)
        case _:
            key, stages = args.run_key(config, dataset_revs=revs), STAGES[type(args)]
    return [sequence_folder(Store(args.store), key, stage) for stage in stages]


def _read(path: str | None, kind: type[Config], *, overrides: dict[str, Any] | None = None) -> Config:
    return parse_config(
        kind, "{}" if path is None else read_text(path), where=path or "the arguments", overrides=overrides
    )
