import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetcast.local.airflow_services import airflow_components, airflow_settings, is_healthy, migration
from fleetcast.local.keys import LocalKeys
from fleetcast.local.layout import Layout
from fleetcast.local.ports import HOST, choose_ports

HEALTH = {
    "metadatabase": {"status": "healthy"},
    "scheduler": {"status": "unhealthy", "latest_scheduler_heartbeat": "2026-01-01T00:00:00Z"},
    "triggerer": {"status": None},
    "dag_processor": {"status": "healthy"},
}


@pytest.fixture
def url() -> Iterator[str]:
    """An API server that reports the health above."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api/v2/monitor/health" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(HEALTH).encode())

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{HOST}:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("part", "expected"), [("metadatabase", True), ("scheduler", False), ("triggerer", False), ("dag_processor", True)]
)
def test_each_component_is_judged_by_its_own_part(url: str, part: str, expected: bool) -> None:
    assert is_healthy(url, part) is expected


def test_an_api_server_that_is_away_or_wrong_is_not_healthy(url: str) -> None:
    assert not is_healthy(f"{url}/elsewhere", "metadatabase")
    (unused,) = choose_ports([0])
    assert not is_healthy(f"http://{HOST}:{unused}", "metadatabase")


def test_components_are_named_after_their_commands_and_serve_no_logs(tmp_path: Path) -> None:
    layout = Layout(repository=tmp_path, home=tmp_path / "home")
    components = airflow_components(layout, port=1, environment={})
    assert [component.name for component in components] == [
        "airflow-api-server",
        "airflow-dag-processor",
        "airflow-triggerer",
        "airflow-scheduler",
    ]
    airflow = str(tmp_path / ".venv-airflow" / "bin" / "airflow")
    assert components[-1].command == (airflow, "scheduler", "--skip-serve-logs")
    assert migration(layout, {}).name == "airflow-db-migrate"


def test_airflow_listens_on_this_machine_alone_and_finds_the_repositorys_dags(tmp_path: Path) -> None:
    keys = LocalKeys()
    layout = Layout(repository=tmp_path, home=tmp_path / "home")
    settings = airflow_settings(layout, port=8123, database_uri="postgresql://x", keys=keys)
    assert settings["AIRFLOW__API__HOST"] == HOST
    assert settings["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == f"http://{HOST}:8123/execution/"
    assert settings["AIRFLOW__CORE__DAGS_FOLDER"] == str(tmp_path / "dags")
    assert settings["AIRFLOW__CORE__PLUGINS_FOLDER"] == str(tmp_path / "plugins")
    assert keys.password not in settings.values()
