"""Airflow's four components, and the environment that configures them."""

from collections.abc import Mapping

import httpx

from fleetcast.local.keys import LocalKeys
from fleetcast.local.layout import Layout
from fleetcast.local.mlflow_server import address
from fleetcast.local.ports import HOST
from fleetcast.local.supervisor import Component

PARALLELISM = 4
HEALTH_PATH = "/api/v2/monitor/health"
# The scheduler is last to start and so first to stop, while the others still take its tasks' last words.
SERVICES = {
    "airflow-api-server": ("api-server",),
    "airflow-dag-processor": ("dag-processor",),
    "airflow-triggerer": ("triggerer", "--skip-serve-logs"),
    "airflow-scheduler": ("scheduler", "--skip-serve-logs"),
}


def airflow_settings(layout: Layout, *, port: int, database_uri: str, keys: LocalKeys) -> dict[str, str]:
    """Airflow's configuration, as environment variables."""
    return {
        "AIRFLOW_HOME": str(layout.airflow_home),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(PARALLELISM),
        "AIRFLOW__CORE__MAX_MAP_LENGTH": "5000",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(layout.repository / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(layout.repository / "plugins"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address(port)}/execution/",
        "AIRFLOW__CORE__FERNET_KEY": keys.fernet_key,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{keys.user}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(layout.airflow_passwords),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_uri,
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address(port),
        "AIRFLOW__API__SECRET_KEY": keys.api_secret_key,
        "AIRFLOW__API_AUTH__JWT_SECRET": keys.jwt_secret,
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def migration(layout: Layout, environment: Mapping[str, str]) -> Component:
    """Brings Airflow's database to its version; a new one is made at once, without the steps between."""
    return _component("airflow-db-migrate", ("db", "migrate"), layout, environment=environment, url="")


def airflow_components(layout: Layout, *, port: int, environment: Mapping[str, str]) -> list[Component]:
    """The four, each ready when all are: the API server knows of the others by their heartbeats."""
    url = f"{address(port)}{HEALTH_PATH}"
    return [_component(name, words, layout, environment=environment, url=url) for name, words in SERVICES.items()]


def all_healthy(url: str) -> bool:
    """Whether the API server answers and says that its database and the other three are healthy."""
    try:
        response = httpx.get(url, timeout=2.0)
    except httpx.TransportError:
        return False
    return response.is_success and all(part["status"] == "healthy" for part in response.json().values())


def _component(
    name: str, words: tuple[str, ...], layout: Layout, *, environment: Mapping[str, str], url: str
) -> Component:
    return Component(
        name=name,
        command=(str(layout.airflow_bin / "airflow"), *words),
        environment=environment,
        is_ready=lambda: all_healthy(url),
    )
