"""The jobs of the DAG ``train_fleet``, in its order."""

from typing import Annotated, Any, ClassVar, Literal, Self

from annotated_types import Ge, Gt, Le
from pydantic import Field

from fleetcast.errors import ConfigurationError
from fleetcast.fleet.presets import FeatureWidth
from fleetcast.fleet.variants import Grid, Symbol
from fleetcast.job_args.base import Instant, JobArgs
from fleetcast.job_args.run_key import code_digest, digest_of

StoreUri = Annotated[str, Field(min_length=1)]


class TakeSnapshot(JobArgs):
    """Read and check bars, and store those up to the cutoff as an immutable snapshot."""

    command: ClassVar[str] = "take-snapshot"

    store: StoreUri
    # Names this taking; a second taking under the same name finds the first one's snapshot.
    request: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:+-]+$")]
    bars: str = "sample"  # a file or a folder, also in an object store (s3://...), or the bundled sample
    symbols: tuple[Symbol, ...]
    cutoff: Instant | None = None  # requested; the effective one is the last close that all symbols have
    last_bars: Annotated[int, Ge(1)] | None = None
    window_bars: tuple[Annotated[int, Ge(1)], ...] = ()  # of the fleet to come, so that too few bars are refused here
    horizon_bars: tuple[Annotated[int, Ge(1)], ...] = ()


class FleetJobArgs(Grid, JobArgs):  # type: ignore[misc]  # two kinds of model_config
    """What every job of one run shares. All of it but ``store`` and ``run_key`` decides what is computed."""

    store: StoreUri
    run_key: str = ""
    dataset_rev: str
    cutoff: Instant
    feature_width: FeatureWidth
    n_columns: Annotated[int, Ge(1), Le(2000)]
    n_selection_models: Annotated[int, Ge(1)]
    seed: Annotated[int, Ge(0), Le(2**31 - 1)] = 0
    lightgbm_device: Literal["cpu", "gpu"] = "cpu"  # decides results too: a GPU adds up in another order
    tune: bool = False  # stages 2 to 4 after the first; the holdout is then looked at after them alone
    tuning_space: Literal["broad", "listed"] = "broad"
    tuning_cpu_seconds: Annotated[float, Gt(0)] | None = None  # all four stages; None: what stage 1 took, as a quarter
    tuning_trials: Annotated[int, Ge(1), Le(10_000)] | None = None  # of each study, whatever they take

    def compute_run_key(self) -> str:
        """20 hexadecimal digits over the shared arguments, the data and the code; placement does not count."""
        shared = set(FleetJobArgs.model_fields) - {"store", "run_key"}
        return digest_of([self.model_dump(mode="json", include=shared), code_digest()])[:20]

    def with_run_key(self) -> Self:
        """A copy that holds its own run key."""
        return self.model_copy(update={"run_key": self.compute_run_key()})

    def check_run_key(self) -> None:
        """Refuses to compute under a key that another version of the code was planned for.

        Raises:
            ConfigurationError: the key given is not the key of these arguments and this code.
        """
        expected = self.compute_run_key()
        if self.run_key != expected:
            raise ConfigurationError(
                f"run key {self.run_key!r} was planned for other arguments or other code: this image computes "
                f"{expected!r}. Trigger a new run, or deploy one version of Airflow's and the trainer's images."
            )

    def for_job(self, job: type["FleetJobArgs"], **more: Any) -> "FleetJobArgs":
        """The same run's arguments for another job."""
        return job(**{name: getattr(self, name) for name in FleetJobArgs.model_fields}, **more)


class CertifyFeatures(FleetJobArgs):
    """Audit all feature columns and labels for leaks, unless this code has its certificate."""

    command: ClassVar[str] = "certify-features"


class ComputeFeatures(FleetJobArgs):
    """Compute all feature columns in blocks."""

    command: ClassVar[str] = "compute-features"


class LabelEvents(FleetJobArgs):
    """Find swings, their outcomes and when each was known."""

    command: ClassVar[str] = "label-events"


class SelectColumns(FleetJobArgs):
    """Screen the columns, select the best and store them as one matrix."""

    command: ClassVar[str] = "select-columns"


class TrainVariants(FleetJobArgs):
    """Train and judge the variants of one shard, each in a process of its own."""

    command: ClassVar[str] = "train-variants"

    shard: Annotated[int, Ge(0)]
    variants_per_pod: Annotated[int, Ge(1)]
    n_processes: Annotated[int, Ge(1)] | None = None  # None: the CPU limit
    time_limit_seconds: Annotated[float, Gt(0)] = 600.0  # of one variant
    memory_limit_bytes: Annotated[int, Ge(1)] = Field(default=2 * 1024**3)  # of one variant, beyond what it shares


class ChooseFamilyBests(FleetJobArgs):
    """Choose each family's best variant and, unless the run goes on tuning, look at the holdout once."""

    command: ClassVar[str] = "choose-family-bests"


class WriteLedger(FleetJobArgs):
    """Test all trials of all stages against luck, and say which family's best may be promoted."""

    command: ClassVar[str] = "write-ledger"


class WriteReport(FleetJobArgs):
    """Write the run's HTML page."""

    command: ClassVar[str] = "write-report"


class LogRuns(FleetJobArgs):
    """Project the run's manifests into MLflow, once or until the run is complete."""

    command: ClassVar[str] = "log-runs"

    dag_run_id: str = ""
    tracking_uri: str | None = None
    experiment_name: str | None = None
    follow: bool = False  # until the report is committed
    idle_limit_seconds: Annotated[float, Ge(1)] = 1800.0  # following ends with an error after so long without news
    outage_limit_seconds: Annotated[float, Ge(0)] = 60.0  # the job ends with an error after so long without MLflow
    poll_seconds: Annotated[float, Ge(0.1)] = 3.0  # between two looks at the store while following
