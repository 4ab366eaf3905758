"""Which MLflow a job talks to, and under which experiment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlparse

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from fleetcast.errors import ConfigurationError

CONFIG_FILE = "mlflow_config.yaml"
DEFAULT_EXPERIMENT = "fleetcast"
SCHEMES = ("http", "https", "sqlite", "postgresql", "postgresql+psycopg2", "mysql", "mysql+pymysql")

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class TrackingConfig(BaseModel):
    """What ``mlflow_config.yaml`` may hold; anything else is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tracking_uri: Text | None = None
    default_experiment_name: Text | None = None


@dataclass(frozen=True)
class TrackingTarget:
    """One MLflow and one experiment in it.

    Attributes:
        uri: an MLflow server (``http``) or MLflow's own database (``sqlite``, ``postgresql``).
        experiment_name: made when it does not exist.
        source: where the URI came from, for messages.
    """

    uri: str
    experiment_name: str
    source: str

    @property
    def is_server(self) -> bool:
        """Whether an MLflow server answers there, and not a database."""
        return urlparse(self.uri).scheme in ("http", "https")

    @property
    def shown_uri(self) -> str:
        """The URI without its user and password."""
        parsed = urlparse(self.uri)
        return self.uri.replace(parsed.netloc, parsed.netloc.rpartition("@")[2], 1) if parsed.netloc else self.uri

    @property
    def artifact_root(self) -> str | None:
        """Where a new experiment keeps its artifacts; None leaves it to the MLflow that answers.

        A SQLite file has its artifacts in the folder beside it, so that both move together.
        """
        parsed = urlparse(self.uri)
        if parsed.scheme != "sqlite":
            return None
        return (Path(parsed.path.removeprefix("/")).absolute().parent / "artifacts").as_uri()


def choose_target(
    folder: Path, *, environment_uri: str | None, tracking_uri: str | None, experiment_name: str | None
) -> TrackingTarget:
    """The first of: the environment, the job's argument, ``mlflow_config.yaml``, a SQLite file of this folder.

    Args:
        folder: where ``mlflow_config.yaml`` is looked for, and where the local default lies.
        environment_uri: ``MLFLOW_TRACKING_URI``; an empty text counts as not set.
        tracking_uri: the job's argument.
        experiment_name: the job's argument; wins over the file's ``default_experiment_name``.

    Raises:
        ConfigurationError: the file cannot be read or holds an unknown key, or the URI is of an unknown kind.
    """
    config = read_config(folder / CONFIG_FILE)
    candidates = (
        (environment_uri, "MLFLOW_TRACKING_URI"),
        (tracking_uri, "--tracking-uri"),
        (config.tracking_uri, CONFIG_FILE),
        (f"sqlite:///{folder.absolute() / '.fleetcast' / 'mlflow' / 'mlflow.db'}", "the local default"),
    )
    uri, source = next((uri, source) for uri, source in candidates if uri)
    target = TrackingTarget(
        uri=uri,
        experiment_name=experiment_name or config.default_experiment_name or DEFAULT_EXPERIMENT,
        source=source,
    )
    if urlparse(uri).scheme not in SCHEMES:
        raise ConfigurationError(
            f"cannot use the tracking URI {target.shown_uri!r} from {source}: expected one of "
            f"{', '.join(f'{scheme}:' for scheme in SCHEMES)} (MLflow 3 keeps no runs in plain folders)"
        )
    return target


def read_config(path: Path) -> TrackingConfig:
    """The file's content; no file is an empty one.

    Raises:
        ConfigurationError: not YAML, not a mapping, an unknown key, or a value of another type.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return TrackingConfig()
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise ConfigurationError(f"cannot read {path}: {' '.join(str(exc).split())}") from exc
    try:
        return TrackingConfig.model_validate({} if content is None else content)
    except ValidationError as exc:
        problems = "; ".join(f"{'.'.join(map(str, p['loc'])) or 'file'}: {p['msg']}" for p in exc.errors()[:3])
        raise ConfigurationError(
            f"cannot use {path}: {problems}. Expected only {', '.join(TrackingConfig.model_fields)}."
        ) from exc
