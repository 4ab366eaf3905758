"""The parameters of a run: one model that is Airflow's trigger form, its bounds and the check of what was given."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

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
    cutoff: Instant | None = Field(
        default=None,
        title="Cutoff",
        description="The last instant that the run may know. Empty: the end of the data interval, or the run's time.",
        json_schema_extra={"type": ["string", "null"], "format": "date-time", "pattern": INSTANT},
    )
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

    def load_preset(self) -> Preset:
        """The chosen preset with the given lists laid over it.

        Raises:
            ConfigurationError: no such preset.
            pydantic.ValidationError: the grid refuses a value.
        """
        return load_preset(self.preset, symbols=self.symbols, window_bars=self.window_bars)


def form_fields() -> dict[str, Param]:
    """The fields of Airflow's trigger form, which checks them when a run is triggered."""
    schema = FleetParameters.model_json_schema()["properties"]
    defaults = FleetParameters().model_dump(mode="json")
    return {name: Param(defaults[name], **_form_schema(field)) for name, field in schema.items()}


def requested_cutoff(parameters: FleetParameters, context: Mapping[str, Any]) -> datetime:
    """The parameter, else the end of the run's data interval, else the run's time (a manual run has no interval)."""
    run = context["dag_run"]
    instant: datetime = parameters.cutoff or run.data_interval_end or run.run_after
    return instant


def _form_schema(field: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in field.items() if key not in ("anyOf", "default")}
