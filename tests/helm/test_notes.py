"""What helm prints after an install: where to look, in commands that can be copied."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rendered_chart import CHART, NAME, NAMESPACE, RELEASE, helm, values_of

# helm shows the notes of an install only, so another template shows them here.
SHOWN = 'notes: {{ include (print .Template.BasePath "/NOTES.txt") . | toJson }}'
Notes = Callable[..., str]


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    chart = tmp_path / "fleetcast"
    shutil.copytree(CHART, chart)
    (chart / "templates" / "notes.yaml").write_text(SHOWN)

    def render(environment: str, values: dict[str, Any] | None = None) -> str:
        flags = ("--namespace", NAMESPACE, "--kube-version", "1.34.0", "--show-only", "templates/notes.yaml")
        text = helm(
            "template",
            RELEASE,
            str(chart),
            *values_of(environment),
            "--values",
            "-",
            *flags,
            stdin=yaml.safe_dump(values or {}),
        )
        return str(yaml.safe_load(text)["notes"])

    return render


def test_a_laptop_is_told_how_to_open_airflow_and_mlflow_and_where_the_password_is(notes: Notes) -> None:
    text = notes("local-dev")
    assert f"kubectl --namespace mlops port-forward service/{NAME}-api-server 8080" in text
    assert f"kubectl --namespace mlops port-forward service/{NAME}-mlflow 5000" in text
    assert f"get secret {NAME}-airflow -o jsonpath='{{.data.passwords\\.json}}'" in text
    assert "kubectl --namespace mlops-training get pods --watch" in text
    assert "for trying out: one replica each, no copies" in text


def test_an_address_that_is_known_is_named(notes: Notes) -> None:
    web = {"networkPolicies": {"webClients": [{"namespaceSelector": {}}]}}
    ingress = {"ingress": {"enabled": True, "host": "airflow.example.org", "tlsSecret": "tls"}}
    text = notes("local-dev", {"airflow": ingress, "mlflow": {"uiUrl": "https://mlflow.example.org"}, **web})
    assert "  https://airflow.example.org\n" in text
    assert "  https://mlflow.example.org\n" in text
    assert "port-forward" not in text
    assert "  http://elsewhere\n" in notes("local-dev", {"airflow": {**ingress, "baseUrl": "http://elsewhere"}, **web})


def test_services_of_ones_own_are_not_said_to_be_for_trying_out(notes: Notes) -> None:
    text = notes("production")
    assert "trying out" not in text
    assert "Secret fleetcast-object-store in the namespace fleetcast-training" in text
    assert "Secret fleetcast-studies in the namespace fleetcast-training" in text


def test_where_no_study_service_runs_the_notes_say_what_is_missing(notes: Notes) -> None:
    said = "No study service runs: stage 1 alone can be computed"
    assert said in notes("production", {"studies": {"enabled": False}, "tune": False})
    assert said not in notes("production")
    assert "study service" not in notes("local-dev")


def test_network_policies_that_let_everybody_through_are_named(notes: Notes) -> None:
    everybody = {"cidrs": ["0.0.0.0/0"]}
    wide = {"objectStore": everybody, "postgres": everybody, "networkPolicies": {"kubernetesApi": everybody}}
    assert "networkPolicies.kubernetesApi.cidrs, objectStore.cidrs, postgres.cidrs" in notes("production", wide)
    assert "let everybody be reached" not in notes("production")
    assert "let everybody be reached" not in notes("central-dev", {"networkPolicies": {"enabled": False}})


def test_an_airflow_of_ones_own_is_told_what_it_needs(notes: Notes) -> None:
    text = notes("local-integration", {"airflow": {"enabled": False}})
    assert f"ConfigMap {NAME}-settings" in text
    assert f"{NAME}-pools" in text
    assert "helm/official-airflow-values.yaml" in text
    assert "api-server" not in text
