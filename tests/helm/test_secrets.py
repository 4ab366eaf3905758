"""Passwords and keys: made once, kept by every upgrade, and shown to nobody who does not need them."""

import base64
import json
import re
from typing import Any

import pytest

from kubernetes_api import kubernetes_api, namespace
from rendered_chart import NAME, NAMESPACE, TRAINING, TRYING_OUT, Rendered, environments, render

MADE = {"airflow", "postgres", "object-store", "studies"}


def secrets(rendered: Rendered) -> dict[tuple[str, str], dict[str, str]]:
    """What each Secret holds, by namespace and name without the release's."""
    return {
        (found["metadata"]["namespace"], found["metadata"]["name"].removeprefix(f"{NAME}-")): found["data"]
        for found in rendered.all("Secret")
    }


def decoded(data: dict[str, str], key: str) -> str:
    return base64.b64decode(data[key]).decode()


@pytest.fixture
def installed() -> Rendered:
    return render("local-integration", flags=("--set", "retries=4"))


def upgraded(installed: Rendered, values: dict[str, Any]) -> Rendered:
    objects = [namespace(NAMESPACE), namespace(TRAINING, release="fleet"), *installed.all("Secret")]
    with kubernetes_api(objects) as flags:
        return render("local-integration", values=values, flags=("--is-upgrade", *flags))


def test_an_upgrade_changes_no_key_and_no_password(installed: Rendered) -> None:
    before, after = secrets(installed), secrets(upgraded(installed, {"variantsPerPod": 30}))
    assert {name for _, name in before} == MADE
    assert after == before


def test_another_rendering_without_a_cluster_makes_other_keys(installed: Rendered) -> None:
    """Which is why what only renders the chart is told to bring a Secret."""
    again = secrets(render("local-integration", flags=("--set", "retries=3")))
    for key in ("fernet-key", "jwt-secret", "api-secret-key", "passwords.json"):
        assert again[(NAMESPACE, "airflow")][key] != secrets(installed)[(NAMESPACE, "airflow")][key]


def test_a_new_user_gets_a_password_and_the_others_keep_theirs(installed: Rendered) -> None:
    users = [{"name": "admin", "role": "admin"}, {"name": "quant", "role": "user"}]
    before = json.loads(decoded(secrets(installed)[(NAMESPACE, "airflow")], "passwords.json"))
    data = secrets(upgraded(installed, {"airflow": {"users": users}}))[(NAMESPACE, "airflow")]
    after = json.loads(decoded(data, "passwords.json"))
    assert after["admin"] == before["admin"]
    assert set(after) == {"admin", "quant"}
    assert len(after["quant"]) >= 16


def test_keys_have_the_form_that_their_readers_expect(installed: Rendered) -> None:
    data = secrets(installed)[(NAMESPACE, "airflow")]
    assert len(base64.urlsafe_b64decode(decoded(data, "fernet-key"))) == 32
    assert re.fullmatch(r"[A-Za-z0-9]{64}", decoded(data, "jwt-secret"))
    postgres = secrets(installed)[(NAMESPACE, "postgres")]
    for role in ("airflow", "mlflow", "optuna"):
        password = decoded(postgres, role)
        url = f"postgresql+psycopg2://{role}:{password}@{NAME}-postgres.mlops.svc:5432/{role}"
        assert decoded(postgres, f"{role.upper()}_DATABASE_URL") == url
    assert len({decoded(postgres, role) for role in ("airflow", "mlflow", "optuna", "postgres")}) == 4


def test_the_jobs_open_the_embedded_store_with_the_stores_own_key(installed: Rendered) -> None:
    found = secrets(installed)
    assert found[(TRAINING, "object-store")] == found[(NAMESPACE, "object-store")]
    assert {name for space, name in found if space == TRAINING} == {"object-store", "studies"}


def test_the_jobs_show_the_study_service_its_own_token(installed: Rendered) -> None:
    found = secrets(installed)
    assert found[(TRAINING, "studies")] == found[(NAMESPACE, "studies")]
    assert re.fullmatch(r"[A-Za-z0-9]{32}", decoded(found[(NAMESPACE, "studies")], "FLEETCAST_STUDIES_TOKEN"))


def test_kept_data_keep_what_opens_them() -> None:
    kept = {"embedded": {"keepData": True}}
    rendered = render("local-integration", values={"postgres": kept, "objectStore": kept})
    policies = {
        (found["kind"], found["metadata"]["name"].removeprefix(f"{NAME}-"))
        for kind in ("Secret", "PersistentVolumeClaim")
        for found in rendered.all(kind)
        if found["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    }
    claims = {("PersistentVolumeClaim", "postgres"), ("PersistentVolumeClaim", "object-store")}
    assert policies == claims | {("Secret", name) for name in MADE - {"studies"}}


@pytest.mark.parametrize("environment", environments())
def test_a_secret_is_only_ever_named(environment: str) -> None:
    """No value of a Secret stands in a ConfigMap, an argument or a variable."""
    rendered = render(environment)
    made = {value for data in secrets(rendered).values() for value in data.values()} - {"ZmxlZXRjYXN0"}  # a key's name
    texts = [json.dumps(found) for found in rendered.objects if found["kind"] != "Secret"]
    values = made | {base64.b64decode(value).decode() for value in made}
    assert [text for text in texts if any(value in text for value in values)] == []


@pytest.mark.parametrize("environment", environments())
def test_no_secret_comes_into_a_list_of_processes(environment: str) -> None:
    """A variable that a Secret fills, named in a command line, would stand there with its value."""
    for component, container in render(environment).containers():
        command = " ".join([*container.get("command", []), *container.get("args", [])])
        filled = [v["name"] for v in container.get("env", []) if "secretKeyRef" in v.get("valueFrom", {})]
        assert [name for name in filled if re.search(rf"\$[({{]?{name}\b", command)] == [], component


@pytest.mark.parametrize("environment", environments())
def test_each_component_gets_the_keys_that_it_needs(environment: str) -> None:
    signing = {"AIRFLOW__API_AUTH__JWT_SECRET"}
    logs = {"AIRFLOW__API__SECRET_KEY"}
    store = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    base = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__CORE__FERNET_KEY"}
    needed = {
        "api-server": base | signing | logs | store,
        "scheduler": base | signing | logs | store,
        "triggerer": base | logs | store,
        "dag-processor": base,
        "migration": base,
        "mlflow": store | ({"MLFLOW_BACKEND_STORE_URI"} if environment != "local-dev" else set()),
        "studies": {"FLEETCAST_STUDIES_DATABASE_URL", "FLEETCAST_STUDIES_TOKEN"},
        "object-store": {"ROOT_ACCESS_KEY", "ROOT_SECRET_KEY"},
        "postgres": set(),
    }
    for component, container in render(environment).containers():
        filled = {v["name"] for v in container.get("env", []) if "secretKeyRef" in v.get("valueFrom", {})}
        if container["name"] == component:
            assert filled == needed[component], component
        else:
            assert filled <= needed[component], component


def test_without_logs_in_the_store_its_key_is_the_schedulers_alone() -> None:
    rendered = render(values={**TRYING_OUT, "airflow": {"logsInStore": False}})
    holders = {
        component
        for component, container in rendered.containers()
        if "AWS_SECRET_ACCESS_KEY" in [variable["name"] for variable in container.get("env", [])]
    }
    assert holders == {"scheduler", "mlflow"}


def test_only_the_jobs_that_write_to_an_mlflow_elsewhere_get_its_secret() -> None:
    mlflow = {"enabled": False, "trackingUri": "https://mlflow.example.org", "existingSecret": "theirs"}
    settings = render(values={**TRYING_OUT, "mlflow": mlflow}).one("ConfigMap", f"{NAME}-airflow")["data"]
    job_secrets = json.loads(settings["FLEETCAST_POD_JOB_SECRETS"])
    assert {job for job, names in job_secrets.items() if "theirs" in names} == {
        "log-runs",
        "register-models",
        "register-convlstm",
        "register-cnn-lstm",
    }
    assert "theirs" not in settings["FLEETCAST_POD_ENVIRONMENT_SECRETS"]
