import os
import subprocess
import sys
from pathlib import Path

PLUGINS = Path(__file__).parents[2] / "plugins"
SHOW = """
from airflow import plugins_manager
errors = plugins_manager.get_import_errors()
views = [view for plugin in plugins_manager.get_plugin_info() if plugin["name"] == "mlflow_link"
         for view in plugin["external_views"]]
print("found", errors, views)
"""


def found_by_airflow(**environment: str) -> str:
    """What Airflow's plugin manager says of the plugin, in a process of its own."""
    variables = {**os.environ, "AIRFLOW__CORE__PLUGINS_FOLDER": str(PLUGINS), **environment}
    return subprocess.run(
        [sys.executable, "-c", SHOW], env=variables, check=True, capture_output=True, text=True
    ).stdout.splitlines()[-1]


def test_mlflow_stands_in_the_navigation_where_the_deployment_says() -> None:
    shown = found_by_airflow(FLEETCAST_MLFLOW_UI="http://127.0.0.1:5000")
    assert shown == "found {} [{'name': 'MLflow', 'href': 'http://127.0.0.1:5000', 'destination': 'nav'}]"


def test_no_address_no_link() -> None:
    assert found_by_airflow(FLEETCAST_MLFLOW_UI="") == "found {} []"
