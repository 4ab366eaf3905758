"""The one door to the process environment: what a deployment sets, and nothing that a run decides."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ENVIRONMENTS = ("local-dev", "local-integration", "central-dev", "integration-test", "staging", "production")


class Settings(BaseSettings):
    """Read from ``FLEETCAST_*``; the process runtime and docker-compose set them by hand, the chart from its values."""

    model_config = SettingsConfigDict(env_prefix="FLEETCAST_", frozen=True)

    environment: Literal[
        "local-dev", "local-integration", "central-dev", "integration-test", "staging", "production"
    ] = "local-dev"
    runtime: Literal["kubernetes", "process"] = "kubernetes"
    store: str = Field(default_factory=lambda: (Path.cwd() / ".fleetcast" / "store").as_uri())
    variants_per_pod: int = 60
    command: str = "fleetcast"  # the trainer environment's command, for the process runtime
    image: str = "fleetcast-trainer:latest"
    namespace: str = "fleetcast-training"
    mlflow_ui: str = ""  # where a browser finds MLflow, for links in Airflow's pages
    termination_log: Path = Path("/dev/termination-log")


class TrackingSettings(BaseSettings):
    """MLflow's own variable, which wins over the argument, the file and the default."""

    model_config = SettingsConfigDict(frozen=True)

    mlflow_tracking_uri: str | None = None
