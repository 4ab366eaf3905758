"""The jobs of the sequence models: what each takes, and the key that names what it computes."""

import re
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self, TypeVar

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, Field

from fleetcast.job_args.base import Instant, JobArgs
from fleetcast.job_args.fleet import StoreUri
from fleetcast.job_args.run_key import code_digest, digest_of
from fleetcast.job_args.sequence_config import CnnLstmTraining, ConvLstmTraining, ConvLstmTuning, search_epochs

Stock = Annotated[str, Field(min_length=1)]
Revision = Annotated[str, Field(pattern=r"^[0-9a-f]{20}$")]
FEATURES = ("return_1", "range", "body", "volume_ratio")
LISTS = ("--symbols", "--features")
OVERRIDES = ("epochs", "batch_size", "learning_rate", "patience")  # arguments that replace a configuration's values


Job = TypeVar("Job", bound=JobArgs)


class PanelArgs(JobArgs):
    """Which daily bars a job reads."""

    store: StoreUri
    panel: str = "sample"  # a file of daily bars, a folder, a URI of either, a .dvc file, or the bundled sample
    dvc_remote: str | None = None  # where a .dvc file's content lies; None: what .dvc/config above it says
    symbols: tuple[Stock, ...] = ()  # none: all stocks of the panel
    n_stocks: Annotated[int, Ge(1)] | None = None  # the first so many of them
    cutoff: Instant | None = None  # the last instant that is known: whole days up to it count

    @classmethod
    def from_argv(cls, argv: Sequence[str]) -> Self:
        """Also reads ``--symbols AAPL MSFT`` and ``--output-dir DIR`` for ``--store DIR``, as the source wrote them."""
        return super().from_argv([*argv[:1], *_in_our_words(argv[1:])])


class TakePanel(PanelArgs):
    """Read and repair daily bars of a panel, and of an index, and store what was known at the cutoff."""

    command: ClassVar[str] = "take-panel"

    # Names this taking; a second taking under the same name finds the first one's panel.
    request: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:+-]+$")]
    index: str | None = None  # the index's file, if its direction is to be foretold


class SequenceArgs(PanelArgs):
    """What decides a sequence model. All of it but placement is in its run key."""

    image: ClassVar[Literal["trainer", "sequence"]] = "sequence"

    dataset_rev: Revision | None = None  # a panel that take-panel has stored, instead of what `PanelArgs` name
    features: tuple[str, ...] = FEATURES
    config: str | None = None  # a JSON file, or its URI; None: the defaults, which the files in include/config state
    epochs: Annotated[int, Ge(1)] | None = None  # these four: instead of the file's
    batch_size: Annotated[int, Ge(1)] | None = None
    learning_rate: Annotated[float, Gt(0)] | None = None
    patience: Annotated[int, Ge(1)] | None = None
    seed: Annotated[int, Ge(0), Le(2**31 - 1)] = 0
    gpu: bool = False
    cpu_fallback: bool = False  # when a GPU is asked for and there is none
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    mlflow: bool = False  # log the model to MLflow at the end, as log-sequence-run does

    model_kind: ClassVar[str]  # such as "convlstm"
    decisive: ClassVar[frozenset[str]] = frozenset({"features", "seed", "gpu", "precision"})

    def overrides(self) -> dict[str, float]:
        """What the command line says instead of the file."""
        return self.model_dump(include=set(OVERRIDES), exclude_none=True)

    def run_key(self, config: BaseModel, *, dataset_revs: Sequence[str]) -> str:
        """20 hexadecimal digits over arguments that decide results, configuration, data and code."""
        decisive = self.model_dump(mode="json", include=set(self.decisive))
        content = [self.model_kind, decisive, config.model_dump(mode="json"), list(dataset_revs), code_digest()]
        return digest_of(content)[:20]

    def for_config(self, job: type[Job], config: str) -> Job:
        """Another job on the same data with the configuration that a search has found, of which nothing is replaced."""
        shared = set(job.model_fields) & set(type(self).model_fields) - set(OVERRIDES)
        return job(**self.model_dump(include=shared) | {"config": config})

    def taken_revs(self) -> tuple[str, ...]:
        """The revisions of what take-panel has stored for this job; none when it reads files."""
        revs = (self.dataset_rev, getattr(self, "index_rev", None))
        return tuple(rev for rev in revs if rev is not None)


class DirectionArgs(SequenceArgs):
    """What decides a model that foretells a direction."""

    target: Literal["panel", "index"] = "panel"  # whose: the equal-weighted panel's, or an index's
    index: str | None = None  # the index's file, for the target of that name
    index_rev: Revision | None = None  # or the index that take-panel has stored

    model_kind: ClassVar[str] = "convlstm"
    decisive: ClassVar[frozenset[str]] = SequenceArgs.decisive | {"target"}


class TrainConvlstm(DirectionArgs):
    """Train a ConvLSTM that foretells whether a panel of stocks, or its index, rises the next day."""

    command: ClassVar[str] = "train-convlstm"

    tensorboard: str | None = None  # a folder for its event files


class EvaluateConvlstm(DirectionArgs):
    """Judge a trained ConvLSTM on the test part, beside its baselines, and write the report."""

    command: ClassVar[str] = "evaluate-convlstm"


class TuneConvlstm(DirectionArgs):
    """Search for a better ConvLSTM at the study service; several workers may share one search."""

    command: ClassVar[str] = "tune-convlstm"

    tuning_config: str | None = None  # a JSON file, or its URI; None: the defaults, which convlstm_tuning.json states
    n_trials: Annotated[int, Ge(1), Le(100_000)] | None = None  # instead of the file's
    timeout_seconds: Annotated[float, Gt(0)] | None = None  # after which no further trial begins
    trial_epochs: Annotated[int, Ge(1)] | None = None  # at most, of one trial, as `search_epochs` says
    starts: str | None = None  # a best_point.json of an earlier search, to be tried first
    worker: Annotated[int, Ge(0)] = 0  # of those that share the search; it decides nothing

    def study_key(self, config: ConvLstmTraining, tuning: ConvLstmTuning, *, dataset_revs: Sequence[str]) -> str:
        """20 hexadecimal digits that name the search's result: another budget has another one of the same study."""
        n_trials = self.n_trials or tuning.optimization.n_trials
        trial_epochs, _ = search_epochs(config.model_params.epochs, self.trial_epochs)
        budget = [n_trials, self.timeout_seconds, trial_epochs, self.starts]
        space = tuning.hyperparameter_space.model_dump(mode="json")
        return digest_of(["study", self.run_key(config, dataset_revs=dataset_revs), space, *budget])[:20]


class RunConvlstmSuite(DirectionArgs):
    """Train a baseline ConvLSTM, search twice, train the best for longer, and judge both."""

    command: ClassVar[str] = "run-convlstm-suite"

    tuning_config: str | None = None
    quick_trials: Annotated[int, Ge(1)] = 20
    n_trials: Annotated[int, Ge(1), Le(100_000)] = 100  # of the second search, which goes on with the first one's study
    timeout_seconds: Annotated[float, Gt(0)] | None = None  # of each search
    trial_epochs: Annotated[int, Ge(1)] | None = None


class SequenceStatus(JobArgs):
    """Show the sequence models of a store: what is trained, searched and judged, and how far a fit is."""

    command: ClassVar[str] = "sequence status"

    store: str | None = None
    json_lines: bool = Field(default=False, alias="json")  # one JSON object a line


class CnnLstmArgs(SequenceArgs):
    """What decides a model that foretells returns."""

    n_trials: Annotated[int, Ge(1), Le(100_000)] = 50  # these three: of a search
    timeout_seconds: Annotated[float, Gt(0)] | None = None
    trial_epochs: Annotated[int, Ge(1)] | None = None

    model_kind: ClassVar[str] = "cnn-lstm"

    def study_key(self, config: CnnLstmTraining, *, dataset_revs: Sequence[str]) -> str:
        """As `TuneConvlstm.study_key`; the space stands in the code."""
        trial_epochs, _ = search_epochs(config.model_params.epochs, self.trial_epochs)
        budget = [self.n_trials, self.timeout_seconds, trial_epochs]
        return digest_of(["study", self.run_key(config, dataset_revs=dataset_revs), *budget])[:20]


class TrainCnnLstm(CnnLstmArgs):
    """Train and judge a CNN+LSTM that foretells the returns of stocks over some days."""

    command: ClassVar[str] = "train-cnn-lstm"

    tensorboard: str | None = None  # a folder for its event files
    optimize_hyperparams: bool = False  # search first, at the study service, and train the best


class TuneCnnLstm(CnnLstmArgs):
    """Search for a better CNN+LSTM at the study service; several workers may share one search."""

    command: ClassVar[str] = "tune-cnn-lstm"

    worker: Annotated[int, Ge(0)] = 0


class RegisterConvlstm(DirectionArgs):
    """Log a trained ConvLSTM to MLflow and register it there as the challenger."""

    command: ClassVar[str] = "register-convlstm"

    tracking_uri: str | None = None


class RegisterCnnLstm(CnnLstmArgs):
    """Log a trained CNN+LSTM to MLflow and register it there as the challenger."""

    command: ClassVar[str] = "register-cnn-lstm"

    tracking_uri: str | None = None


class LogSequenceRun(JobArgs):
    """Project a sequence model's manifests into MLflow, once."""

    command: ClassVar[str] = "log-sequence-run"
    image: ClassVar[Literal["trainer", "sequence"]] = "sequence"

    store: StoreUri
    run_key: Annotated[str, Field(pattern=r"^[0-9a-f]{20}$")]
    tracking_uri: str | None = None
    experiment_name: str | None = None


def _in_our_words(words: Sequence[str]) -> list[str]:
    said: list[str] = []
    in_list = False
    for word in words:
        if word.startswith("--"):
            in_list = word in LISTS
            said.append(re.sub(r"^--output-dir\b", "--store", word))
        elif in_list and said[-1] not in LISTS:
            said[-1] += f",{word}"
        else:
            said.append(word)
    return said
