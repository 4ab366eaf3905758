"""The service and the tables that tuning needs; their secrets come from the environment (``FLEETCAST_STUDIES_*``)."""

from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from fleetcast.job_args.base import JobArgs


class CreateStudyTables(JobArgs):
    """Make the study database's tables where they are missing; once, before the study service starts."""

    command: ClassVar[str] = "create-study-tables"


class ServeStudies(JobArgs):
    """Ask, tell and lease trials of shared studies on Optuna's behalf, until SIGTERM."""

    command: ClassVar[str] = "serve-studies"

    host: str = "127.0.0.1"
    port: Annotated[int, Ge(1), Le(65535)] = 8090
    lease_seconds: Annotated[float, Ge(1), Le(3600)] = 60.0  # how long a worker may be silent
