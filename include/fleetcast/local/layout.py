"""Where everything of a local deployment lies."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The folders of the repository, and those under ``home`` that a run makes.

    ``home`` holds all state: removing it is a fresh start.
    """

    repository: Path
    home: Path

    @property
    def airflow_bin(self) -> Path:
        """The programs of Airflow's environment."""
        return self.repository / ".venv-airflow" / "bin"

    @property
    def trainer_bin(self) -> Path:
        """The programs of the trainer's environment."""
        return self.repository / ".venv" / "bin"

    @property
    def sequence_bin(self) -> Path:
        """The programs of the sequence models' environment, which `make run` does not make."""
        return self.repository / ".venv-sequence" / "bin"

    @property
    def logs(self) -> Path:
        """One log file a component."""
        return self.home / "logs"

    @property
    def store(self) -> Path:
        """The object store, as a folder."""
        return self.home / "store"

    @property
    def airflow_home(self) -> Path:
        """Airflow's own files, its task logs among them."""
        return self.home / "airflow"

    @property
    def mlflow(self) -> Path:
        """MLflow's database, where it is SQLite, and its artifacts."""
        return self.home / "mlflow"

    @property
    def postgres(self) -> Path:
        """The database cluster."""
        return self.home / "postgres"

    @property
    def scratch(self) -> Path:
        """What processes need while they run; emptied at each start, because a killed one leaves its own."""
        return self.home / "scratch"

    @property
    def keys(self) -> Path:
        """Generated passwords and keys, readable by their owner alone."""
        return self.home / "keys.json"

    @property
    def airflow_passwords(self) -> Path:
        """The login, in the form that Airflow reads."""
        return self.home / "airflow_passwords.json"

    @property
    def jobs_environment(self) -> Path:
        """The variables with which jobs that a person starts find the study service; a shell reads it."""
        return self.home / "jobs.env"

    @property
    def lock(self) -> Path:
        """Held, and signed, by the one supervisor that runs here."""
        return self.home / "supervisor.lock"

    @property
    def processes(self) -> Path:
        """What the supervisor has started, for the clean-up after a supervisor that was killed."""
        return self.home / "processes.json"
