"""Airflow's four components, and the environment that configures them."""

from collections.abc import Callable, Mapping
from functools import partial

import httpx

from fleetcast.local.keys import LocalKeys
from fleetcast.local.layout import Layout
from fleetcast.local.mlflow_server import address
from fleetcast.local.ports import HOST
from fleetcast.local.supervisor import Component

PARALLELISM = 4
# By the name under which the API server reports its health: the command. The scheduler is last to start and so first
# to stop, while the others still take its tasks' last words.
SERVICES = {
    "metadatabase": ("api-server",),
    "dag_processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
    "scheduler": ("scheduler", "--skip-serve-logs"),
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
        # A task whose process was killed is found after a minute, not after five.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "60",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def migration(layout: Layout, environment: Mapping[str, str]) -> Component:
    """Brings Airflow's database to its version; a new one is made at once, without the steps between."""
    return _component(layout, "db", "migrate", environment=environment, is_ready=lambda: False)


def airflow_components(layout: Layout, *, port: int, environment: Mapping[str, str]) -> list[Component]:
    """The four; the API server knows of the others by their heartbeats."""
    url = address(port)
    return [
        _component(layout, *words, environment=environment, is_ready=partial(is_healthy, url, part))
        for part, words in SERVICES.items()
    ]


def is_healthy(url: str, part: str) -> bool:
    """Whether the API server answers and says that this part is healthy."""
    try:
        response = httpx.get(f"{url}/api/v2/monitor/health", timeout=2.0)
    except httpx.TransportError:
        return False
    return response.is_success and response.json()[part]["status"] == "healthy"


def _component(layout: Layout, *words: str, environment: Mapping[str, str], is_ready: Callable[[], bool]) -> Component:
    return Component(
        name="airflow-" + "-".join(word for word in words if not word.startswith("--")),
        command=(str(layout.airflow_bin / "airflow"), *words),
        environment=environment,
        is_ready=is_ready,
    )
