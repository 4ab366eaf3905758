"""The local deployment: its components in the order in which they need each other."""

import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from fleetcast.local.airflow_client import AirflowClient
from fleetcast.local.airflow_services import airflow_components, airflow_settings, migration
from fleetcast.local.keys import LocalKeys, write_private
from fleetcast.local.layout import Layout
from fleetcast.local.mlflow_server import address, mlflow_component, sqlite_uri
from fleetcast.local.ports import choose_ports
from fleetcast.local.postgres import LocalPostgres
from fleetcast.local.study_service import study_service, study_tables
from fleetcast.local.supervisor import Component, Supervisor
from fleetcast.tracking.target import TrackingTarget

AIRFLOW_PORT, MLFLOW_PORT = 8080, 5000  # each, or a free one where it is taken
ANY_PORT = 0  # for what no person opens: two deployments that start together rarely choose the same
SYSTEM_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")  # all that a service takes from whoever starts it


class LocalDeployment:
    """Postgres, MLflow, the study service and Airflow on this machine's own address.

    Args:
        layout: where everything lies.
        environment: what Airflow and its jobs inherit; the others get none of it but the system's variables.
        tracking: which MLflow; the local default is served here, any other is left to itself.
        mlflow_backend: where the local MLflow keeps its registry.
    """

    def __init__(
        self,
        layout: Layout,
        environment: Mapping[str, str],
        *,
        tracking: TrackingTarget,
        mlflow_backend: Literal["sqlite", "postgres"],
    ) -> None:
        layout.home.mkdir(parents=True, exist_ok=True)
        self._layout = layout
        self._keys = LocalKeys.load(layout.keys)
        airflow_port, self._mlflow_port, postgres_port, self._studies_port = choose_ports(
            [AIRFLOW_PORT, MLFLOW_PORT, ANY_PORT, ANY_PORT]
        )
        self._postgres = LocalPostgres(
            layout.postgres,
            port=postgres_port,
            password=self._keys.postgres_password,
            role_passwords=self._keys.role_passwords,
        )
        self._serves_mlflow = tracking.source == "the local default"
        self._mlflow_backend = mlflow_backend
        self.airflow_url = address(airflow_port)
        self.mlflow_url = address(self._mlflow_port) if self._serves_mlflow else tracking.uri
        self._system = {name: environment[name] for name in SYSTEM_VARIABLES if name in environment}
        self._environment = self._airflow_environment(environment, airflow_port)
        self._airflow = airflow_components(layout, port=airflow_port, environment=self._environment)

    @property
    def user(self) -> str:
        """Who may log in to Airflow."""
        return self._keys.user

    @property
    def password(self) -> str:
        """The user's password."""
        return self._keys.password

    def client(self) -> AirflowClient:
        """A session with this Airflow."""
        return AirflowClient(self.airflow_url, user=self.user, password=self.password)

    def start(self, supervisor: Supervisor) -> None:
        """Starts everything and waits until it serves; MLflow and the study service come up beside Airflow's database.

        Raises:
            ServiceError: a component does not come up.
        """
        shutil.rmtree(self._layout.scratch, ignore_errors=True)
        self._layout.scratch.mkdir()
        self._keys.write_airflow_login(self._layout.airflow_passwords)
        self._postgres.prepare(say=supervisor.say)
        server = self._postgres.component(self._system)
        supervisor.start(server)
        supervisor.wait_ready(server, timeout_seconds=30.0)
        self._postgres.create_databases()
        mlflow = self._mlflow() if self._serves_mlflow else None
        if mlflow is not None:
            supervisor.start(mlflow)
        studies = self._start_studies(supervisor)
        supervisor.run_once(migration(self._layout, self._environment))
        for component in self._airflow:
            supervisor.start(component)
        for component in filter(None, (*self._airflow, mlflow, studies)):
            supervisor.wait_ready(component, timeout_seconds=600.0)  # on a busy machine imports take minutes

    def _mlflow(self) -> Component:
        on_postgres = self._mlflow_backend == "postgres"
        return mlflow_component(
            self._layout,
            port=self._mlflow_port,
            backend_uri=self._postgres.uri("mlflow") if on_postgres else sqlite_uri(self._layout),
            environment=self._system | {"TMPDIR": str(self._layout.scratch)},
        )

    def _start_studies(self, supervisor: Supervisor) -> Component:
        environment = self._system | {
            "TMPDIR": str(self._layout.scratch),
            "FLEETCAST_STUDIES_DATABASE_URL": self._postgres.uri("optuna"),
            "FLEETCAST_STUDIES_TOKEN": self._keys.studies_token,
        }
        supervisor.run_once(study_tables(self._layout, environment))
        service = study_service(self._layout, port=self._studies_port, environment=environment)
        supervisor.start(service)
        return service

    @contextmanager
    def told_to_jobs(self) -> Iterator[None]:
        """While it lasts a file says where the study service is, for jobs that a person starts.

        Afterwards there is none, because whoever takes the port next would be sent the token; where this process is
        killed, `make down` or the next start sees to it.
        """
        path = self._layout.jobs_environment
        write_private(path, "".join(f"{name}={shlex.quote(value)}\n" for name, value in self._studies().items()))
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    def _studies(self) -> dict[str, str]:
        return {
            "FLEETCAST_STUDIES_URL": address(self._studies_port),
            "FLEETCAST_STUDIES_TOKEN": self._keys.studies_token,
        }

    def _airflow_environment(self, inherited: Mapping[str, str], airflow_port: int) -> dict[str, str]:
        return {
            "FLEETCAST_ENVIRONMENT": "local-dev",
            **inherited,
            "TMPDIR": str(self._layout.scratch),
            "PATH": f"{self._layout.airflow_bin}:{inherited.get('PATH', '')}",
            "FLEETCAST_RUNTIME": "process",
            "FLEETCAST_COMMAND": shlex.quote(str(self._layout.trainer_bin / "fleetcast")),
            "FLEETCAST_SEQUENCE_COMMAND": shlex.quote(str(self._layout.sequence_bin / "fleetcast")),
            "FLEETCAST_STORE": self._layout.store.as_uri(),
            **self._studies(),
            "FLEETCAST_MLFLOW_UI": self.mlflow_url,
            "FLEETCAST_RETRIES": "5",  # a laptop sleeps, and runs out of memory
            "FLEETCAST_RETRY_DELAY_SECONDS": "5",
            "FLEETCAST_LOG_IDLE_LIMIT_SECONDS": "600",
            "MLFLOW_TRACKING_URI": self.mlflow_url,
            **airflow_settings(
                self._layout, port=airflow_port, database_uri=self._postgres.uri("airflow"), keys=self._keys
            ),
        }
