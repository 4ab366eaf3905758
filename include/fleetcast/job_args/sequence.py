"""The jobs of the sequence models: what each takes, and the key that names what it computes."""

import re
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, Field

from fleetcast.job_args.base import Instant, JobArgs
from fleetcast.job_args.fleet import StoreUri
from fleetcast.job_args.run_key import code_digest, digest_of

Stock = Annotated[str, Field(min_length=1)]
FEATURES = ("return_1", "range", "body", "volume_ratio")


class SequenceArgs(JobArgs):
    """What decides a sequence model. All of it but placement is in its run key."""

    store: StoreUri
    panel: str = "sample"  # a file of daily bars, a folder, a URI of either, a .dvc file, or the bundled sample
    dvc_remote: str | None = None  # where a .dvc file's content lies; None: what .dvc/config above it says
    symbols: tuple[Stock, ...] = ()  # none: all stocks of the panel
    n_stocks: Annotated[int, Ge(1)] | None = None  # the first so many of them
    features: tuple[str, ...] = FEATURES
    cutoff: Instant | None = None
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
        return self.model_dump(include={"epochs", "batch_size", "learning_rate", "patience"}, exclude_none=True)

    def run_key(self, config: BaseModel, *, dataset_revs: Sequence[str]) -> str:
        """20 hexadecimal digits over arguments that decide results, configuration, data and code."""
        decisive = self.model_dump(mode="json", include=set(self.decisive))
        content = [self.model_kind, decisive, config.model_dump(mode="json"), list(dataset_revs), code_digest()]
        return digest_of(content)[:20]


class DirectionArgs(SequenceArgs):
    """What decides a model that foretells a direction."""

    target: Literal["panel", "index"] = "panel"  # whose: the equal-weighted panel's, or an index's
    index: str | None = None  # the index's file, for the target of that name

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
    trial_epochs: Annotated[int, Ge(1)] = 20  # at most, of one trial; the best is trained for `epochs` afterwards
    starts: str | None = None  # a best_point.json of an earlier search, to be tried first


class RunConvlstmSuite(DirectionArgs):
    """Train a baseline ConvLSTM, search twice, train the best for longer, and judge both."""

    command: ClassVar[str] = "run-convlstm-suite"

    tuning_config: str | None = None
    quick_trials: Annotated[int, Ge(1)] = 20
    n_trials: Annotated[int, Ge(1), Le(100_000)] = 100  # of the second search, which goes on with the first one's study
    timeout_seconds: Annotated[float, Gt(0)] | None = None  # of each search
    trial_epochs: Annotated[int, Ge(1)] = 20


class SequenceStatus(JobArgs):
    """Show the sequence models of a store: what is trained, searched and judged, and how far a fit is."""

    command: ClassVar[str] = "sequence status"

    store: str | None = None
    json_lines: bool = Field(default=False, alias="json")  # one JSON object a line


class TrainCnnLstm(SequenceArgs):
    """Train and judge a CNN+LSTM that foretells the returns of stocks over some days."""

    command: ClassVar[str] = "train-cnn-lstm"

    tensorboard: str | None = None  # a folder for its event files
    optimize_hyperparams: bool = False  # search first, at the study service, and train the best
    n_trials: Annotated[int, Ge(1), Le(100_000)] = 50
    timeout_seconds: Annotated[float, Gt(0)] | None = None  # of the search
    trial_epochs: Annotated[int, Ge(1)] = 20  # at most, of one trial

    model_kind: ClassVar[str] = "cnn-lstm"

    @classmethod
    def from_argv(cls, argv: Sequence[str]) -> Self:
        """Also reads ``--symbols AAPL MSFT`` and ``--output-dir DIR`` for ``--store DIR``, as the source wrote them."""
        return super().from_argv([*argv[:1], *_in_our_words(argv[1:])])


class LogSequenceRun(JobArgs):
    """Project a sequence model's manifests into MLflow, once."""

    command: ClassVar[str] = "log-sequence-run"

    store: StoreUri
    run_key: Annotated[str, Field(pattern=r"^[0-9a-f]{20}$")]
    tracking_uri: str | None = None
    experiment_name: str | None = None


def _in_our_words(words: Sequence[str]) -> list[str]:
    said: list[str] = []
    in_symbols = False
    for word in words:
        if word.startswith("--"):
            in_symbols = word == "--symbols"
            said.append(re.sub(r"^--output-dir\b", "--store", word))
        elif in_symbols and said[-1] != "--symbols":
            said[-1] += f",{word}"
        else:
            said.append(word)
    return said
