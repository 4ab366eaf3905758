"""Tuning: the stages after the first, production training, and the service that they share.

The service's secrets come from the environment (``FLEETCAST_STUDIES_*``).
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, TypeVar

from annotated_types import Ge, Gt, Le
from pydantic import BeforeValidator, Field

from fleetcast.fleet.variants import Family, Grid
from fleetcast.job_args.base import JobArgs
from fleetcast.job_args.fleet import FleetJobArgs

TunedStage = Annotated[Literal[2, 3, 4], BeforeValidator(int)]  # a command line has words alone
HandName = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")]  # of a tuning by hand
Study = TypeVar("Study")


class CreateStudyTables(JobArgs):
    """Make the study database's tables where they are missing; once, before the study service starts."""

    command: ClassVar[str] = "create-study-tables"


class ServeStudies(JobArgs):
    """Ask, tell and lease trials of shared studies on Optuna's behalf, until SIGTERM."""

    command: ClassVar[str] = "serve-studies"

    host: str = "127.0.0.1"
    port: Annotated[int, Ge(1), Le(65535)] = 8090
    lease_seconds: Annotated[float, Ge(1), Le(3600)] = 60.0  # how long a worker may be silent


class PlanTuning(FleetJobArgs):
    """Divide a stage's budget, choose what it tunes and open its studies."""

    command: ClassVar[str] = "plan-tuning"

    stage: TunedStage


class PlanFamilyTuning(FleetJobArgs):
    """Open a study of one family, beside those of its run, as a person has asked for."""

    command: ClassVar[str] = "plan-family-tuning"

    by_hand: HandName  # names the study; a retry finds it again
    family_id: str
    n_trials: Annotated[int, Ge(1), Le(10_000)]
    space: Literal["broad", "listed"] = "broad"


class RunTrials(FleetJobArgs):
    """Run trials of one shard of a stage's studies until their budgets are spent; several workers may share it."""

    command: ClassVar[str] = "run-trials"

    stage: TunedStage
    by_hand: HandName | None = None  # of a tuning by hand, on this stage's folds
    shard: Annotated[int, Ge(0)]
    studies_per_pod: Annotated[int, Ge(1)]
    worker: Annotated[int, Ge(0)] = 0  # of those that share the shard
    n_processes: Annotated[int, Ge(1)] | None = None  # None: the CPU limit
    time_limit_seconds: Annotated[float, Gt(0)] | None = None  # then no further trial begins
    memory_limit_bytes: Annotated[int, Ge(1)] = Field(default=2 * 1024**3)  # of one process, beyond what it shares

    def own_studies(self, studies: Sequence[Study]) -> Sequence[Study]:
        """Those of the shard; where a stage has fewer shards than pods, the pods beyond help with the first ones'."""
        n_shards = max(-(-len(studies) // self.studies_per_pod), 1)
        start = self.shard % n_shards * self.studies_per_pod
        return studies[start : start + self.studies_per_pod]


class CloseTuning(FleetJobArgs):
    """Read a stage's studies, learn from them for the next one and store their artifacts."""

    command: ClassVar[str] = "close-tuning"

    stage: TunedStage
    by_hand: HandName | None = None  # of a tuning by hand; its time may have ended before its trials did


class JudgeHoldout(FleetJobArgs):
    """Look at the holdout once, with each family's tuned model."""

    command: ClassVar[str] = "judge-holdout"


class SelectProductionColumns(FleetJobArgs):
    """Screen and select columns on everything up to the cutoff."""

    command: ClassVar[str] = "select-production-columns"


class TrainProduction(FleetJobArgs):
    """Fit the families' production models on everything up to the cutoff, one shard of families."""

    command: ClassVar[str] = "train-production"

    shard: Annotated[int, Ge(0)]
    families_per_pod: Annotated[int, Ge(1)]
    n_processes: Annotated[int, Ge(1)] | None = None
    time_limit_seconds: Annotated[float, Gt(0)] = 1800.0  # of one model
    memory_limit_bytes: Annotated[int, Ge(1)] = Field(default=4 * 1024**3)

    def own_families(self) -> list[Family]:
        """Those of the shard."""
        return Grid.families(self)[self.shard * self.families_per_pod : (self.shard + 1) * self.families_per_pod]


class RegisterModels(FleetJobArgs):
    """Register the production models in MLflow, each as its family's challenger."""

    command: ClassVar[str] = "register-models"

    tracking_uri: str | None = None
    outage_limit_seconds: Annotated[float, Ge(0)] = 300.0  # the job ends with an error after so long without MLflow
