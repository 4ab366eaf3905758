"""What the sequence models' JSON files may say; Airflow checks them before a pod starts."""

from typing import Annotated, Any, Literal, Self, TypeVar

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from fleetcast.errors import ConfigurationError
from fleetcast.job_args.base import describe_validation_error


def _ordered(pair: tuple[float, float]) -> tuple[float, float]:
    low, high = pair
    if low > high:
        raise ValueError(f"the smallest value {low:g} is above the largest {high:g}")
    return pair


def _distinct(values: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(values)) < len(values):
        raise ValueError("a value is named twice: name each once")
    return values


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("expected a number")
    return value


LARGEST_COUNT = 100_000  # beyond any sense, and below what TensorFlow can hold
Count = Annotated[int, BeforeValidator(_no_truth), Ge(1), Le(LARGEST_COUNT)]
Counts = Annotated[tuple[Count, ...], MinLen(1)]
Penalty = Annotated[float, Ge(0)]
Rate = Annotated[float, Ge(0), Lt(1)]
Share = Annotated[float, Gt(0), Lt(1)]
Positive = Annotated[float, Gt(0)]
Rates = Annotated[tuple[Rate, Rate], AfterValidator(_ordered)]  # the smallest and the largest
Positives = Annotated[tuple[Positive, Positive], AfterValidator(_ordered)]
LARGEST_RATIO_ERROR = 1e-6  # that three ratios may miss 1 by
# Own choice: 20 of the source's 100 epochs show which points are worth more, and 5 of the sample's 5.
EPOCHS_OVER_TRIAL, LEAST_TRIAL_EPOCHS, BEST_OVER_TRIAL = 5, 5, 4


class ConfigPart(BaseModel):
    """Frozen, and nothing but its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Config = TypeVar("Config", bound=ConfigPart)


class ConvLstmParams(ConfigPart):
    """The model and its fit. A file may leave out what has a default here."""

    sequence_length: Annotated[int, Ge(2)] = 30
    conv_lstm_filters: Counts = (64, 32, 16)
    kernel_sizes: Counts | None = None  # one a layer; left out: 3 each
    dense_units: Counts = (128, 64, 32)
    dropout_rate: Rate = 0.2
    l1: Penalty = 1e-5
    l2: Penalty = 1e-4
    learning_rate: Positive = 0.001
    batch_size: Count = 32
    epochs: Count = 100
    patience: Count = 15

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if self.kernel_sizes and len(self.kernel_sizes) != len(self.conv_lstm_filters):
            raise ValueError(
                f"conv_lstm_filters has {len(self.conv_lstm_filters)} entries and kernel_sizes "
                f"{len(self.kernel_sizes)}: name one kernel size a layer, or leave kernel_sizes out for 3 each"
            )
        return self

    @property
    def kernels(self) -> tuple[int, ...]:
        """The side of each layer's square kernel."""
        return self.kernel_sizes or (3,) * len(self.conv_lstm_filters)


class DataSplit(ConfigPart):
    """Shares of time, the oldest first."""

    train_ratio: Share = 0.7
    val_ratio: Share = 0.2
    test_ratio: Share = 0.1

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        total = self.train_ratio + self.val_ratio + self.test_ratio
        if abs(total - 1) > LARGEST_RATIO_ERROR:
            raise ValueError(f"train_ratio, val_ratio and test_ratio sum to {total:g}: expected 1")
        return self


class ConvLstmTraining(ConfigPart):
    """``convlstm_training.json``."""

    experiment_name: Annotated[str, Field(min_length=1)] = "convlstm"
    model_params: ConvLstmParams = ConvLstmParams()
    data_split: DataSplit = DataSplit()


class WholeRange(ConfigPart):
    """Whole numbers from ``min`` to ``max``, both included."""

    min: Count
    max: Count

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class Optimization(ConfigPart):
    """How many trials, and for what."""

    n_trials: Annotated[int, Ge(1), Le(100_000)] = 100
    objective_metric: Literal["val_f1_score"] = "val_f1_score"  # the macro average of both classes' F1
    direction: Literal["maximize"] = "maximize"


class ConvLstmSpace(ConfigPart):
    """Where the search looks; pairs are the smallest and the largest value."""

    n_layers: WholeRange = WholeRange(min=1, max=3)
    conv_lstm_filters: WholeRange = WholeRange(min=16, max=128)  # of each layer
    kernel_size: WholeRange = WholeRange(min=2, max=4)
    dropout_rate: Rates = (0.1, 0.4)
    dense_units: WholeRange = WholeRange(min=32, max=256)
    learning_rate: Positives = (1e-5, 1e-2)  # by its logarithm, as the penalties are
    batch_size: Annotated[Counts, AfterValidator(_distinct)] = (16, 32, 64, 128)
    l1: Positives = (1e-5, 1e-2)
    l2: Positives = (1e-5, 1e-2)


class ConvLstmTuning(ConfigPart):
    """``convlstm_tuning.json``."""

    optimization: Optimization = Optimization()
    hyperparameter_space: ConvLstmSpace = ConvLstmSpace()


class CnnLstmParams(ConfigPart):
    """The model of price series and its fit."""

    sequence_length: Annotated[int, Ge(2)] = 60
    horizon: Count = 5  # days whose return is foretold
    cnn_filters: Counts = (64, 128)
    kernel_sizes: Counts = (3, 3)
    lstm_units: Counts = (64,)
    bidirectional: bool = False
    attention_heads: Annotated[int, Ge(0)] = 4  # 0: no attention
    dense_units: Counts = (64, 32)
    dropout_rate: Rate = 0.2
    learning_rate: Positive = 0.001
    weight_decay: Penalty = 1e-4
    batch_size: Count = 32
    epochs: Count = 100
    patience: Count = 15

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if len(self.kernel_sizes) != len(self.cnn_filters):
            raise ValueError(
                f"cnn_filters has {len(self.cnn_filters)} entries and kernel_sizes {len(self.kernel_sizes)}: name one "
                "kernel size a block"
            )
        return self


class CnnLstmTraining(ConfigPart):
    """``cnn_lstm_training.json``."""

    experiment_name: Annotated[str, Field(min_length=1)] = "cnn-lstm"
    model_params: CnnLstmParams = CnnLstmParams()
    data_split: DataSplit = DataSplit()


# What a laptop trains in minutes; the files in include/config whose names hold "sample" say the same.
SAMPLES: dict[type[ConfigPart], dict[str, Any]] = {
    ConvLstmTraining: {
        "experiment_name": "convlstm-sample",
        "model_params": {"conv_lstm_filters": (8, 8, 4), "epochs": 5},
    },
    ConvLstmTuning: {
        "hyperparameter_space": {
            "conv_lstm_filters": {"min": 4, "max": 8},
            "dense_units": {"min": 32, "max": 128},
        },
    },
    CnnLstmTraining: {
        "experiment_name": "cnn-lstm-sample",
        "model_params": {
            "sequence_length": 30,
            "cnn_filters": (16, 32),
            "lstm_units": (32,),
            "attention_heads": 2,
            "dense_units": (32, 16),
            "epochs": 5,
        },
    },
}


def search_epochs(epochs: int, trial_epochs: int | None) -> tuple[int, int]:
    """Epochs of a search's trials, and of the fit of its best afterwards, at most.

    Args:
        epochs: of the configuration that is searched from.
        trial_epochs: as asked for; None is a fifth of ``epochs``, and five at least.

    Returns:
        The trials', and for the best ``epochs``, or four times its trial's where that is more: its fit is longer than
        its trial, however short the configuration's own is.
    """
    trial = trial_epochs or max(LEAST_TRIAL_EPOCHS, epochs // EPOCHS_OVER_TRIAL)
    return trial, max(epochs, BEST_OVER_TRIAL * trial)


def preset_config(kind: type[Config], preset: Literal["sample", "source"], given: dict[str, Any]) -> Config:
    """A preset's configuration with what was given laid over it, key by key.

    Raises:
        ConfigurationError: an unknown key, or a value that does not fit.
    """
    content = {name: value for name, value in SAMPLES[kind].items() if preset == "sample"}
    for name, value in given.items():
        merges = isinstance(value, dict) and isinstance(content.get(name), dict)
        content[name] = {**content[name], **value} if merges else value
    try:
        return kind.model_validate(content)
    except ValidationError as exc:
        raise ConfigurationError(
            f"cannot use the given values: {describe_validation_error(exc, flags=False)}"
        ) from None


def parse_config(
    kind: type[Config], text: str | bytes, *, where: str, overrides: dict[str, Any] | None = None
) -> Config:
    """The JSON text as the configuration of that kind.

    Args:
        kind: which file it is.
        text: its content.
        where: its path, for messages.
        overrides: values of ``model_params`` that a command line sets.

    Raises:
        ConfigurationError: no JSON, an unknown key, or a value that does not fit.
    """
    try:
        config = kind.model_validate_json(text)
        if overrides:
            params = config.model_params.model_dump() | overrides  # type: ignore[attr-defined]
            config = kind.model_validate({**config.model_dump(), "model_params": params})
    except ValidationError as exc:
        raise ConfigurationError(f"cannot use {where}: {describe_validation_error(exc, flags=False)}") from None
    return config
