"""The parameters of the sequence models' DAGs, as `parameters` has the fleet's."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from fleetcast.job_args.sequence import Stock
from fleetcast.orchestration.parameters import MAY_BE_EMPTY, Cleared, Cutoff, TimeoutSeconds
from fleetcast.settings import read_settings

# As with lists, the form gives null for what was emptied.
Text = Annotated[str, BeforeValidator(lambda value: value or ""), Field(json_schema_extra={"type": ["string", "null"]})]
Content = Annotated[
    dict[str, Any], BeforeValidator(lambda value: value or {}), Field(json_schema_extra={"type": ["object", "null"]})
]
Trials = Annotated[int, Field(ge=1, le=100_000, title="Trials", description="Of the search, all workers together.")]


class SequenceParameters(BaseModel):
    """What a person may choose for one run of either DAG; an empty field leaves the preset's value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Literal["sample", "source"] = Field(
        default="sample",
        title="Preset",
        description="`sample` trains in minutes; `source` is the size of the training files in `include/config`.",
    )
    config: Content = Field(
        default_factory=dict,
        title="Configuration",
        description="Keys of the training file in `include/config` that replace the preset's, such as "
        '`{"model_params": {"epochs": 20}}`.',
    )
    panel: str = Field(
        default_factory=lambda: read_settings().panel,
        min_length=1,
        max_length=1000,
        title="Panel",
        description="Daily bars, as the jobs see them: a Parquet or CSV file, a folder, the URI of either, or a `.dvc` "
        "file; `sample` is ten US stocks of 2013 to 2018.",
    )
    dvc_remote: Text = Field(
        default="",
        title="DVC remote",
        description="Where a `.dvc` file's content lies. Empty: what `.dvc/config` above it says.",
    )
    symbols: Annotated[tuple[Stock, ...], Cleared] = Field(
        default=(),
        max_length=10_000,
        title="Symbols",
        description="Of the panel, one a line. Empty: all.",
        json_schema_extra=MAY_BE_EMPTY,
    )
    n_stocks: int | None = Field(
        default=None, ge=1, title="Stocks", description="The first so many of them. Empty: all."
    )
    cutoff: Cutoff = None
    device: Literal["cpu", "gpu", "gpu-or-cpu"] = Field(
        default_factory=lambda: read_settings().sequence_device,
        title="Device",
        description="`gpu` fails where there is none, `gpu-or-cpu` goes on without one and says so.",
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        default="float32", title="Precision", description="Of Keras; the mixed ones are for GPUs."
    )
    seed: int = Field(default=0, ge=0, le=2**31 - 1, title="Seed", description="Of weights, dropout and the search.")
    trials: Trials = 100
    trial_epochs: int | None = Field(
        default=None,
        ge=1,
        title="Epochs of a trial",
        description="At most. Empty: a fifth of the configuration's, and 5 at least. The best is trained for the "
        "configuration's, and for four times its trial's at least.",
    )
    timeout_seconds: TimeoutSeconds = None
    workers: int = Field(default=1, ge=1, le=100, title="Workers", description="Pods that run trials at a time.")

    def shared(self) -> dict[str, Any]:
        """What every job is told of it."""
        return {
            "gpu": self.device != "cpu",
            "cpu_fallback": self.device == "gpu-or-cpu",
            "precision": self.precision,
            "seed": self.seed,
        }

    def budget(self) -> dict[str, Any]:
        """What a search is told of it."""
        return {"trial_epochs": self.trial_epochs, "timeout_seconds": self.timeout_seconds}


class ConvlstmParameters(SequenceParameters):
    """What a person may choose for one run of ``train_convlstm``."""

    mode: Literal["train", "tune", "evaluate", "suite"] = Field(
        default="train",
        title="Mode",
        description="`train` and judge; `tune`: search, train the best and judge it; `evaluate` what was trained "
        "before; `suite`: a baseline, a quick search, a long one, and the best of them.",
    )
    quick_trials: int = Field(
        default=20, ge=1, le=10_000, title="Quick trials", description="Of a suite's first search."
    )
    tuning: Content = Field(
        default_factory=dict,
        title="Tuning configuration",
        description="Keys of `convlstm_tuning.json` that replace the preset's.",
    )
    target: Literal["panel", "index"] = Field(
        default="panel",
        title="Target",
        description="Whose direction: the equal-weighted panel's, or that of the index below.",
    )
    index: Text = Field(default="", title="Index", description="The index's daily bars, for the target `index`.")


class CnnLstmParameters(SequenceParameters):
    """What a person may choose for one run of ``train_cnn_lstm``."""

    mode: Literal["train", "tune"] = Field(
        default="train",
        title="Mode",
        description="`train` and judge, or `tune`: search first, and train and judge the best.",
    )
    trials: Trials = 50
