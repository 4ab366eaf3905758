"""The local MLflow server."""

from collections.abc import Mapping

import httpx

from fleetcast.local.layout import Layout
from fleetcast.local.ports import HOST
from fleetcast.local.supervisor import Component

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its job runner is seven processes of 230 MB, for nothing we use
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


def mlflow_component(layout: Layout, *, port: int, backend_uri: str, environment: Mapping[str, str]) -> Component:
    """One worker is enough: it answers in milliseconds, and a single job writes to it."""
    layout.mlflow.mkdir(parents=True, exist_ok=True)
    return Component(
        name="mlflow",
        command=(
            str(layout.trainer_bin / "mlflow"),
            "server",
            *("--artifacts-destination", (layout.mlflow / "artifacts").as_uri()),
            *("--host", HOST),
            *("--port", str(port)),
            *("--workers", "1"),
        ),
        environment={**environment, **QUIET, "MLFLOW_BACKEND_STORE_URI": backend_uri},  # not for all to see in `ps`
        is_ready=lambda: answers(f"{address(port)}/health"),
    )


def sqlite_uri(layout: Layout) -> str:
    """MLflow's database as a file."""
    return f"sqlite:///{layout.mlflow / 'mlflow.db'}"


def address(port: int) -> str:
    """Where a browser finds a local service."""
    return f"http://{HOST}:{port}"


def answers(url: str) -> bool:
    """Whether the URL answers with success."""
    try:
        return httpx.get(url, timeout=2.0).is_success
    except httpx.TransportError:
        return False
