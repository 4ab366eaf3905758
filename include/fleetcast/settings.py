"""The one door to the process environment: what a deployment sets, and nothing that a run decides."""

import os
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from fleetcast.errors import ConfigurationError

Kind = TypeVar("Kind", bound=BaseSettings)

# What naming an environment changes for the process runtime; the files in helm/environments say the same for a cluster.
BY_ENVIRONMENT: dict[str, dict[str, Any]] = {
    "local-dev": {"preset": "micro", "retry_delay_seconds": 5.0},
    "local-integration": {"retry_delay_seconds": 10.0},
    "central-dev": {"preset": "full", "tune": True},
    "integration-test": {"retry_delay_seconds": 5.0},
    "staging": {"preset": "full", "bars": "s3://fleetcast-market-data/bars", "tune": True},
    "production": {"preset": "full", "bars": "s3://fleetcast-market-data/bars", "tune": True},
}


class Settings(BaseSettings):
    """Read from ``FLEETCAST_*``; the process runtime and docker-compose set them by hand, the chart from its values.

    A variable wins over what its environment says, and that over the default. Where no environment is named, as on a
    laptop, nothing but the defaults holds.
    """

    model_config = SettingsConfigDict(env_prefix="FLEETCAST_", env_ignore_empty=True, frozen=True)

    environment: Literal[
        "local-dev", "local-integration", "central-dev", "integration-test", "staging", "production"
    ] = "local-dev"
    runtime: Literal["kubernetes", "process"] = "kubernetes"
    store: str = Field(default_factory=lambda: (Path.cwd() / ".fleetcast" / "store").as_uri())
    preset: str = "sample"  # these five: what the trigger form starts from
    bars: str = "sample"
    variants_per_pod: int = 60
    tune: bool = False
    families_per_pod: int = 6
    workers_per_family: int = Field(default=1, ge=1)  # pods that run trials of the same families' studies
    lightgbm_device: Literal["cpu", "gpu"] = "cpu"  # until a GPU is measured faster at the fleet's sizes
    command: str = "fleetcast"  # the trainer environment's command, for the process runtime
    image: str = "fleetcast-trainer:latest"
    sequence_command: str = ".venv-sequence/bin/fleetcast"  # these two likewise, of the sequence models' environment
    sequence_image: str = "fleetcast-sequence:latest"
    panel: str = "sample"  # these two: what the sequence models' forms start from
    sequence_device: Literal["cpu", "gpu", "gpu-or-cpu"] = "cpu"
    namespace: str = "fleetcast-training"
    mlflow_ui: str = ""  # where a browser finds MLflow, for links in Airflow's pages
    termination_log: Path = Path("/dev/termination-log")
    retries: int = 2
    retry_delay_seconds: float = 30.0
    log_idle_limit_seconds: float = 1800.0  # how long `log-runs` waits for news of a run that goes on

    def command_of(self, image: Literal["trainer", "sequence"]) -> str:
        """The command of that environment."""
        return self.command if image == "trainer" else self.sequence_command

    def image_of(self, image: Literal["trainer", "sequence"]) -> str:
        """The image of that name, with its tag."""
        return self.image if image == "trainer" else self.sequence_image

    @model_validator(mode="before")
    @classmethod
    def _take_environment(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {**BY_ENVIRONMENT.get(given.get("environment", ""), {}), **given}


class TrackingSettings(BaseSettings):
    """MLflow's own variable, which wins over the argument, the file and the default."""

    model_config = SettingsConfigDict(frozen=True)

    mlflow_tracking_uri: str | None = None


class StudySettings(BaseSettings):
    """Where studies are, read from ``FLEETCAST_STUDIES_*``: the database for their service, the service for workers."""

    model_config = SettingsConfigDict(env_prefix="FLEETCAST_STUDIES_", frozen=True)

    database_url: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")  # workers and service have the same
    url: str = "http://127.0.0.1:8090"

    def require(self, name: Literal["database_url", "token"]) -> str:
        """A secret. Raises ConfigurationError when it is not set."""
        secret: str = getattr(self, name).get_secret_value()
        if not secret:
            raise ConfigurationError(
                f"FLEETCAST_STUDIES_{name.upper()} is not set. The chart sets it in pods; where make run is on, "
                ".fleetcast/jobs.env has what jobs need"
            )
        return secret


def missing_for_studies(settings: Settings) -> list[str]:
    """The variables without which the jobs that tune cannot reach the study service, as far as is known here."""
    if settings.runtime == "kubernetes":
        pods = read_pod_settings()
        url, secrets = pods.environment.get("FLEETCAST_STUDIES_URL"), pods.job_secrets.get("run-trials", ())
        found = {"URL": url, "TOKEN": next(iter(secrets), None)}
    else:
        own = StudySettings()
        url = own.url if "url" in own.model_fields_set else None
        found = {"URL": url, "TOKEN": own.token.get_secret_value() or None}
    return [f"FLEETCAST_STUDIES_{name}" for name, value in found.items() if not value]


def read_settings() -> Settings:
    """`Settings` as the environment says, read anew when it has changed: a read takes 5 ms, and a DAG file needs 20.

    Raises:
        ConfigurationError: a variable's value does not fit.
    """
    return _settings(*_surroundings())


class Toleration(BaseModel):
    """A taint that pods of a node pool put up with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str | None = None
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


class NodePool(BaseModel):
    """Where pods run, what they may take and for how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu: int = Field(default=2, ge=1)  # whole cores: it is also the number of threads and of variants at a time
    memory: str = "4Gi"
    cpu_request: str | None = None  # less than the limit where a cluster may be overcommitted
    memory_request: str | None = None
    gpu: int = Field(default=0, ge=0)
    max_pods: int | None = None  # that live at a time; then Airflow has a pool of the node pool's name
    node_selector: dict[str, str] = {}
    tolerations: tuple[Toleration, ...] = ()
    priority_class: str | None = None
    schedule_seconds: int = 3600  # how long a pod may wait for a node
    startup_seconds: int = 900  # and then for its image
    deadline_seconds: int = 6 * 3600
    grace_seconds: int = 60  # between SIGTERM and SIGKILL


class PodSettings(BaseSettings):
    """What the chart says of all pods, read from ``FLEETCAST_POD_*``; lists and mappings are JSON."""

    model_config = SettingsConfigDict(env_prefix="FLEETCAST_POD_", frozen=True)

    release: str = "fleetcast"  # keeps two releases in one namespace from adopting each other's pods
    service_account: str = "fleetcast-trainer"
    user_id: int = 50000
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    environment_secrets: tuple[str, ...] = ()  # Secrets whose keys become variables, such as the store's credentials
    job_secrets: dict[str, tuple[str, ...]] = {}  # by command: more of them, which no other job's pod gets
    node_pools: dict[str, NodePool] = {}
    job_pools: dict[str, str] = {}  # by command: the node pool of a job that is not to run in the one its DAG names
    poll_seconds: float = 15.0
    failed_ttl_seconds: float = 86_400.0  # failed pods stay so long for a look at them

    def node_pool(self, name: str) -> NodePool:
        """The pool of that name, else the one named ``default``, else the default sizes."""
        return self.node_pools.get(name) or self.node_pools.get("default") or NodePool()


def job_environment() -> dict[str, str]:
    """What a job's process inherits from Airflow's: all but what configures Airflow itself, its secrets among it."""
    return {name: value for name, value in os.environ.items() if "AIRFLOW" not in name}  # noqa: TID251  the door


def read_pod_settings() -> PodSettings:
    """`PodSettings`, likewise."""
    return _pod_settings(*_surroundings())


def _surroundings() -> tuple[Path, frozenset[tuple[str, str]]]:
    """All that settings depend on: the working folder stands in a default."""
    variables = os.environ.items()  # noqa: TID251  the door
    return Path.cwd(), frozenset((name, value) for name, value in variables if name.upper().startswith("FLEETCAST_"))


@cache
def _settings(_folder: Path, _variables: frozenset[tuple[str, str]]) -> Settings:
    return _checked(Settings)


@cache
def _pod_settings(_folder: Path, _variables: frozenset[tuple[str, str]]) -> PodSettings:
    return _checked(PodSettings)


def _checked(kind: type[Kind]) -> Kind:
    try:
        return kind()
    except ValidationError as exc:
        prefix = kind.model_config["env_prefix"]
        lines = [
            f"{prefix}{'.'.join(map(str, p['loc'])).upper()}: {p['msg']} (got {p['input']!r:.80})"
            for p in exc.errors(include_url=False)
        ]
        raise ConfigurationError("; ".join(lines)) from None
