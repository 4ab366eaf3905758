"""The commands that only look, and the one that runs everything on a laptop."""

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge
from pydantic import Field

from fleetcast.fleet.presets import FeatureWidth
from fleetcast.job_args.base import JobArgs


class LabelsCount(JobArgs):
    """Count each variant's labelled events over all bars of a file or folder."""

    command: ClassVar[str] = "labels count"

    bars: str = "sample"
    json_lines: bool = Field(default=False, alias="json")  # one JSON object a line
    preset: str = "sample"


class FeaturesList(JobArgs):
    """List every feature column with how it is made."""

    command: ClassVar[str] = "features list"

    json_lines: bool = Field(default=False, alias="json")  # one JSON object a line
    preset: str = "full"


class AuditLeaks(JobArgs):
    """Audit every feature column and label for leaks and write the certificate that the package ships."""

    command: ClassVar[str] = "audit leaks"

    width: FeatureWidth = "full"
    columns: str | None = None  # a pattern such as "*.cross.*": audits these alone and writes nothing
    write: bool = True  # only the certificate of full width is written
    n_processes: Annotated[int, Ge(1)] | None = None  # None: the CPU limit
    json_lines: bool = Field(default=False, alias="json")  # one JSON object a line and column


class LedgerShow(JobArgs):
    """Show what a finished run's trials are worth beside luck, and what may be promoted."""

    command: ClassVar[str] = "ledger show"

    run_key: str
    store: str | None = None
    family: str | None = None  # all trials of this one; None: the best of each
    json_lines: bool = Field(default=False, alias="json")  # one JSON object a line


class Status(JobArgs):
    """Show the running and the last runs from the manifests."""

    command: ClassVar[str] = "status"

    store: str | None = None
    json_lines: bool = Field(default=False, alias="json")  # one JSON object a line
    last: Annotated[int, Ge(1)] = 10  # so many runs


class RunLocal(JobArgs):
    """Start Postgres, MLflow and Airflow on this machine, train the fleet and show the result."""

    command: ClassVar[str] = "run-local"

    preset: str | None = None  # None, here and below: what FLEETCAST_ENVIRONMENT says, else sample
    bars: str | None = None
    tune: bool | None = None  # go on after stage 1
    variants_per_pod: Annotated[int, Ge(1)] = 1080  # a shard uses all cores, so more of them only start more often
    exit_after_run: bool = False  # else it serves until Ctrl-C
    mlflow_backend: Literal["sqlite", "postgres"] = "sqlite"
    home: str = ".fleetcast"


class StopLocal(JobArgs):
    """End what run-local has started here."""

    command: ClassVar[str] = "stop-local"

    home: str = ".fleetcast"
