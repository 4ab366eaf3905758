"""The parameters of a run: one model that is Airflow's trigger form, its bounds and the check of what was given."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol

from airflow.sdk import Param
from annotated_types import Ge, Le
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from fleetcast.fleet.presets import Preset, load_preset, preset_names
from fleetcast.fleet.variants import Symbol
from fleetcast.job_args.base import Instant
from fleetcast.settings import read_settings

# Airflow's form does not check the format `date-time`, so the pattern does: an instant has a time zone.
INSTANT = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$"
# The form gives null for a list that was emptied, and marks a field that may be null as one that may stay empty.
Cleared = BeforeValidator(lambda value: () if value is None else value)
MAY_BE_EMPTY: JsonDict = {"type": ["array", "null"], "uniqueItems": True}

Cutoff = Annotated[
    Instant | None,
    Field(
        title="Cutoff",
        description="The last instant that the run may know. Empty: the end of the data interval, or the run's time.",
        json_schema_extra={"pattern": INSTANT},
    ),
]
TimeoutSeconds = Annotated[
    float | None,
    Field(gt=0, title="Timeout", description="Seconds after which a worker begins no further trial. Empty: none."),
]


class FleetParameters(BaseModel):
    """What a person may choose for one run of ``train_fleet``; an empty list leaves the preset's value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: str = Field(
        default_factory=lambda: read_settings().preset,
        title="Preset",
        description="Where all other values start: `sample` selects 100 columns, `full` 400, `micro` is a quick trial.",
        json_schema_extra={"enum": [*preset_names()]},
    )
    bars: str = Field(
        default_factory=lambda: read_settings().bars,
        min_length=1,
        max_length=1000,
        title="Bars",
        description="A Parquet or CSV file or a folder of them, as the jobs see it, or its URI (`s3://bucket/bars`); "
        "`sample` is the bundled 2024 data.",
    )
    symbols: Annotated[tuple[Symbol, ...], Cleared] = Field(
        default=(),
        max_length=100,
        title="Symbols",
        description="One a line, lower case and without the quote currency, such as `btc`. Empty: the preset's.",
        json_schema_extra=MAY_BE_EMPTY,
    )
    window_bars: Annotated[tuple[Annotated[int, Ge(1), Le(1000)], ...], Cleared] = Field(
        default=(),
        max_length=50,
        title="Windows",
        description="How many bars a swing must stand above (below), such as `[2, 5, 20]`. Empty: the preset's.",
        json_schema_extra=MAY_BE_EMPTY,
    )
    cutoff: Cutoff = None
    variants_per_pod: int = Field(
        default_factory=lambda: read_settings().variants_per_pod,
        ge=1,
        le=100_000,
        title="Variants per pod",
        description="How many variants one pod trains: 60 gives 36 pods, 1 gives 2160; 1080 suits a laptop.",
    )
    seed: int = Field(
        default=0, ge=0, le=2**31 - 1, title="Seed", description="Of LightGBM's sampling and of the bootstrap."
    )

    tune: bool = Field(
        default_factory=lambda: read_settings().tune,
        title="Tune",
        description="Go on after stage 1: tune in stages 2 to 4, look at the holdout, train and register production "
        "models. Needs the study service.",
    )
    tuning_space: Literal["broad", "listed"] = Field(
        default="broad",
        title="Tuning space",
        description="`listed` is the 108 points of the list, `broad` the ranges around them.",
    )
    tuning_trials: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        title="Trials",
        description="Of each study, whatever they take. Empty: what the CPU budget holds.",
    )
    tuning_cpu_seconds: float | None = Field(
        default=None,
        gt=0,
        title="CPU budget",
        description="Training CPU seconds of all four stages. Empty: four times what stage 1 takes.",
    )
    families_per_pod: int = Field(
        default_factory=lambda: read_settings().families_per_pod,
        ge=1,
        le=100_000,
        title="Families per pod",
        description="How many families one pod tunes, and trains for production: 6 gives 6 pods.",
    )

    def load_preset(self) -> Preset:
        """The chosen preset with the given lists laid over it.

        Raises:
            ConfigurationError: no such preset.
            pydantic.ValidationError: the grid refuses a value.
        """
        return load_preset(self.preset, symbols=self.symbols, window_bars=self.window_bars)

    def tuning(self) -> dict[str, Any]:
        """What the jobs are told of tuning; without it nothing, so that what it would be makes no other run."""
        if not self.tune:
            return {}
        return self.model_dump(include={"tune", "tuning_space", "tuning_trials", "tuning_cpu_seconds"})


class FamilyParameters(BaseModel):
    """What a person chooses for one run of ``tune_family``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_key: str = Field(
        pattern=r"^[0-9a-f]{20}$",
        title="Run key",
        description="Of a run whose stage 1 is done; its report and `fleetcast status` show it.",
    )
    family: str = Field(min_length=1, max_length=100, title="Family", description="Such as `btc-w10-high`.")
    trials: int = Field(default=50, ge=1, le=10_000, title="Trials", description="Of the study, all workers together.")
    timeout_seconds: TimeoutSeconds = None
    space: Literal["broad", "listed"] = Field(
        default="broad",
        title="Space",
        description="`listed` is the 108 points of the list, `broad` the ranges around them.",
    )
    workers: int = Field(default=1, ge=1, le=100, title="Workers", description="Pods that run its trials at a time.")


def form_fields(model: type[BaseModel] = FleetParameters) -> dict[str, Param]:
    """The fields of Airflow's trigger form, which checks them when a run is triggered; without a default: required."""
    schema = model.model_json_schema()["properties"]
    defaults = {name: {"default": value} for name, value in model.model_construct().model_dump(mode="json").items()}
    return {name: Param(**defaults.get(name, {}), **_form_schema(field)) for name, field in schema.items()}


class HasCutoff(Protocol):
    """Parameters of a run whose cutoff a person may choose."""

    @property
    def cutoff(self) -> datetime | None:
        """The last instant that the run may know; None leaves it to the run."""


def requested_cutoff(parameters: HasCutoff, context: Mapping[str, Any]) -> datetime:
    """The parameter, else the end of the run's data interval, else the run's time (a manual run has no interval)."""
    run = context["dag_run"]
    instant: datetime = parameters.cutoff or run.data_interval_end or run.run_after
    return instant


def _form_schema(field: dict[str, Any]) -> dict[str, Any]:
    """Without the default; what may be null is said as one list of types, which the form reads, and not as a choice."""
    schema = {key: value for key, value in field.items() if key not in ("anyOf", "default")}
    if "anyOf" not in field:
        return schema
    some, null = field["anyOf"]
    return {**some, **schema, "type": [some["type"], null["type"]]}
