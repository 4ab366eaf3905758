"""Fleetcast beside an Airflow that is there already, such as one of the official chart."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from fleetcast.settings import PodSettings, Settings
from rendered_chart import CHART, NAME, REPOSITORY, TRYING_OUT, Rendered, helm, render

OFFICIAL = REPOSITORY / "helm" / "official-airflow-values.yaml"
WITHOUT_AIRFLOW = {**TRYING_OUT, "airflow": {"enabled": False}}


@pytest.fixture
def official() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(OFFICIAL.read_text())
    return values


@pytest.fixture
def fleetcast() -> list[dict[str, Any]]:
    """A release that is called fleetcast, as the official chart's values expect."""
    text = helm(
        "template",
        "fleetcast",
        str(CHART),
        "--values",
        "-",
        "--kube-version",
        "1.34.0",
        stdin=yaml.safe_dump(WITHOUT_AIRFLOW),
    )
    return [found for found in yaml.safe_load_all(text) if found]


def named(values: Any) -> Iterator[tuple[str, str]]:
    """(kind, name) of every ConfigMap and Secret that values refer to."""
    kinds = {"configMapRef": "ConfigMap", "configMap": "ConfigMap", "secretRef": "Secret"}
    if isinstance(values, dict):
        for key, value in values.items():
            if key in kinds:
                yield kinds[key], value["name"]
            yield from named(value)
    elif isinstance(values, list):
        for value in values:
            yield from named(value)


def settings(rendered: Rendered) -> dict[str, str]:
    data: dict[str, str] = rendered.one("ConfigMap", f"{NAME}-settings")["data"]
    return data


def test_nothing_of_airflow_is_installed() -> None:
    rendered = render(values=WITHOUT_AIRFLOW)
    kinds = {(found["kind"], found["metadata"]["name"]) for found in rendered.objects}
    assert {name for kind, name in kinds if kind in ("Deployment", "StatefulSet", "Job")} == {
        f"{NAME}-{component}" for component in ("mlflow", "object-store", "postgres", "studies")
    }
    assert ("Secret", f"{NAME}-airflow") not in kinds


def test_its_pods_are_the_same_as_those_of_an_airflow_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = render(values=TRYING_OUT).one("ConfigMap", f"{NAME}-airflow")["data"]
    theirs = settings(render(values=WITHOUT_AIRFLOW))
    assert {k: v for k, v in ours.items() if k.startswith("FLEETCAST_")}.items() <= theirs.items()
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    assert Settings().runtime == "kubernetes"
    assert PodSettings().node_pools["training"].max_pods == 36


def test_it_is_told_where_the_store_is_and_how_long_a_list_of_shards_may_be() -> None:
    data = settings(render(values=WITHOUT_AIRFLOW))
    assert data["AWS_ENDPOINT_URL"] == f"http://{NAME}-object-store.mlops.svc:7070"
    assert data["AWS_DEFAULT_REGION"] == "us-east-1"
    assert data["AIRFLOW__CORE__MAX_MAP_LENGTH"] == "5000"


def test_the_official_charts_values_name_what_our_release_makes(
    official: dict[str, Any], fleetcast: list[dict[str, Any]]
) -> None:
    made = {(found["kind"], found["metadata"]["name"]): found for found in fleetcast}
    references = {*named(official), *named(yaml.safe_load(official["extraEnvFrom"]))}
    assert references == {
        ("ConfigMap", "fleetcast-settings"),
        ("ConfigMap", "fleetcast-pools"),
        ("Secret", "fleetcast-object-store"),
    }
    assert references <= set(made)
    (path,) = re.findall(r"pools import (\S+)", official["migrateDatabaseJob"]["args"][-1])
    folder, _, file = path.rpartition("/")
    assert official["migrateDatabaseJob"]["extraVolumeMounts"][0]["mountPath"] == folder
    assert file in made[("ConfigMap", "fleetcast-pools")]["data"]


def test_the_official_charts_values_name_our_versions(official: dict[str, Any]) -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    pinned = re.findall(r'"apache-airflow\[postgres\]==(.*)"', (REPOSITORY / "pyproject.toml").read_text())
    assert [official["airflowVersion"]] == pinned
    assert official["images"]["airflow"]["tag"] == chart["appVersion"]
    text = OFFICIAL.read_text()
    assert set(re.findall(r"fleetcast-airflow:(\S+)", text)) == {chart["appVersion"]}
    assert re.findall(r"FROM apache/airflow:(\S+)", text) == pinned


def test_its_image_takes_what_our_image_holds(official: dict[str, Any]) -> None:
    dockerfile = (REPOSITORY / "images" / "airflow" / "Dockerfile").read_text()
    for source in re.findall(r"COPY --from=\S+ (\S+)", OFFICIAL.read_text()):
        assert source in dockerfile
    bundles = official["dagProcessor"]["dagBundleConfigList"]
    assert bundles[1]["kwargs"]["path"] in re.findall(r"COPY --from=\S+ \S+ (\S+)", OFFICIAL.read_text())


def test_its_libraries_are_those_that_both_environments_hold() -> None:
    """But what any Airflow of this version holds already."""
    project = (REPOSITORY / "pyproject.toml").read_text()
    (shared,) = re.findall(r"(?m)^dependencies = \[(.*)\]$", project)
    added = re.findall(r"'(\S+)'", next(line for line in OFFICIAL.read_text().splitlines() if "pip install" in line))
    assert set(added) | {"pydantic>=2.12", "pyyaml>=6"} == set(re.findall(r'"(.*?)"', shared))
