"""Puts a link to MLflow into Airflow's navigation, where the deployment says where a browser finds it."""

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from fleetcast.settings import read_settings


def external_views(mlflow_ui: str) -> list[dict[str, str]]:
    """One entry of the navigation; none without an address."""
    return [{"name": "MLflow", "href": mlflow_ui, "destination": "nav"}] if mlflow_ui else []


class MlflowLinkPlugin(AirflowPlugin):
    """Read by Airflow's API server when it starts."""

    name = "mlflow_link"
    external_views: ClassVar[list[Any]] = external_views(read_settings().mlflow_ui)
