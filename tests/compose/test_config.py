import json
import re
import shlex
import tomllib
from typing import Any, get_args

import pytest
import yaml

from compose import REPOSITORY, Compose, example
from fleetcast.job_args.tuning import ServeStudies
from fleetcast.settings import Settings, StudySettings

CHART = REPOSITORY / "helm" / "fleetcast"
ONE_SHOT = {"migration", "object-store-bucket"}
AIRFLOW = {"api-server", "dag-processor", "scheduler", "triggerer", "migration"}
PASSWORDS = {name: value for name, value in example().items() if name != "FLEETCAST_ENVIRONMENT"}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return Compose().services()


def test_the_components_are_named_as_in_the_chart(services: dict[str, Any]) -> None:
    kinds = ("deployment", "statefulset", "job")
    chart = {path.stem.rpartition("-")[0] for kind in kinds for path in (CHART / "templates").glob(f"*-{kind}.yaml")}
    assert set(services) == (chart & set(services)) | {"object-store-bucket"}
    assert AIRFLOW | {"postgres", "object-store", "mlflow", "studies"} <= set(services)


def test_other_peoples_images_are_those_of_the_chart(services: dict[str, Any]) -> None:
    images = yaml.safe_load((CHART / "values.yaml").read_text())["images"]
    for service, name in (("postgres", "postgres"), ("object-store", "objectStore")):
        assert services[service]["image"] == f"{images[name]['repository']}:{images[name]['tag']}"


def test_our_images_are_those_that_make_images_builds(services: dict[str, Any]) -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    ours = {service["image"] for service in services.values() if "/fleetcast-" in service["image"]}
    assert ours == {f"localhost/fleetcast-{name}:{version}" for name in ("airflow-process", "mlflow")}
    for image in ours:
        assert (REPOSITORY / "images" / image.split("fleetcast-")[1].split(":")[0] / "Dockerfile").exists()


@pytest.mark.parametrize("missing", PASSWORDS)
def test_nothing_has_a_password_by_default(missing: str) -> None:
    ended = Compose(env_file="", variables={k: v for k, v in example().items() if k != missing}).run("config")
    assert ended.returncode != 0
    assert f"required variable {missing} is missing a value: copy .env.example to .env" in ended.stderr


def test_the_example_sets_different_passwords_and_nothing_that_the_file_does_not_read() -> None:
    text = (REPOSITORY / "docker-compose.yaml").read_text()
    read = set(re.findall(r"\$\{(\w+)", text))
    named = set(re.findall(r"^#?(FLEETCAST_\w+)=", (REPOSITORY / ".env.example").read_text(), re.MULTILINE))
    assert named == {name for name in read if not name.endswith("_IMAGE")}
    assert len(set(PASSWORDS.values())) == len(PASSWORDS)


def test_a_password_reaches_only_who_needs_it() -> None:
    words = {name: f"only-{name.lower().replace('_', '-')}-only" for name in PASSWORDS}
    services = {name: json.dumps(service) for name, service in Compose(variables=words).services().items()}
    holders = {
        name.removeprefix("FLEETCAST_"): {service for service, text in services.items() if word in text}
        for name, word in words.items()
    }
    assert holders == {
        "AIRFLOW_PASSWORD": {"api-server"},
        "POSTGRES_PASSWORD": {"postgres"},
        "AIRFLOW_DATABASE_PASSWORD": {"postgres", *AIRFLOW},
        "MLFLOW_DATABASE_PASSWORD": {"postgres", "mlflow"},
        "OPTUNA_DATABASE_PASSWORD": {"postgres", "studies"},
        "STUDIES_TOKEN": {"studies", "scheduler"},
        "OBJECT_STORE_PASSWORD": {"object-store", "mlflow", "api-server", "scheduler", "triggerer"},
        "FERNET_KEY": AIRFLOW,
        "JWT_SECRET": {"api-server", "scheduler"},
        "API_SECRET_KEY": {"api-server", "scheduler", "triggerer"},
    }


def test_no_secret_comes_into_a_list_of_processes(services: dict[str, Any]) -> None:
    """A variable in the words of a command that is started would stand there with its value."""
    for name, service in services.items():
        script = " ".join([*(service.get("entrypoint") or []), *(service.get("command") or [])])
        words = r'\s*(exec |sh |mlflow |airflow |python |"\$)'
        started = [line for line in script.splitlines() if re.match(words, line)]
        assert [line for line in started if re.search(r"\$\$?\{?\w*(PASSWORD|SECRET|TOKEN|URI|URL)", line)] == [], name
        assert "mlflow db upgrade" not in script, name


def test_no_container_is_root_or_can_become_it_or_writes_to_its_image(services: dict[str, Any]) -> None:
    for name, service in services.items():
        user, group = service["user"].split(":")
        assert int(user) > 0 < int(group), name
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not {"privileged", "cap_add", "pid", "ipc"} & set(service), name


def test_what_serves_has_a_health_check_and_what_ends_is_not_started_for_ever(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if "healthcheck" not in service} == ONE_SHOT
    for name, service in services.items():
        assert service["restart"] == ("on-failure:3" if name in ONE_SHOT else "unless-stopped")


def test_only_airflow_and_mlflow_are_reached_from_outside_and_from_this_machine_alone(services: dict[str, Any]) -> None:
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert {name: [port["target"] for port in ports[name]] for name in ports} == {
        "api-server": [8080],
        "mlflow": [5000],
    }
    assert {port["host_ip"] for published in ports.values() for port in published} == {"127.0.0.1"}


def test_data_lies_in_named_volumes(services: dict[str, Any]) -> None:
    volumes = {
        (name, v["source"]) for name, s in services.items() for v in s.get("volumes", ()) if v["type"] == "volume"
    }
    assert {source for _, source in volumes} == {"postgres", "object-store"}
    assert [v["read_only"] for s in services.values() for v in s.get("volumes", ()) if v["type"] == "bind"] == [
        True
    ] * 5


@pytest.mark.parametrize("environment", get_args(Settings.model_fields["environment"].annotation))
def test_the_environment_is_selected_by_its_variable(environment: str) -> None:
    services = Compose(variables={"FLEETCAST_ENVIRONMENT": environment}).services()
    assert {services[name]["environment"]["FLEETCAST_ENVIRONMENT"] for name in AIRFLOW} == {environment}
    assert {services[name]["environment"]["FLEETCAST_BARS"] for name in AIRFLOW} == {"sample"}


def test_every_setting_of_ours_is_one_that_the_package_reads(services: dict[str, Any]) -> None:
    given = {name for service in AIRFLOW for name in services[service]["environment"] if name.startswith("FLEETCAST_")}
    ours = set(Settings.model_fields) | {f"studies_{name}" for name in StudySettings.model_fields}
    assert {name.removeprefix("FLEETCAST_").lower() for name in given} <= ours


def test_the_jobs_ask_the_study_service_where_it_listens(services: dict[str, Any]) -> None:
    service, jobs = services["studies"], services["scheduler"]["environment"]
    assert jobs["FLEETCAST_STUDIES_TOKEN"] == service["environment"]["FLEETCAST_STUDIES_TOKEN"]
    words = shlex.split(service["command"][-1].splitlines()[-1].replace("$$", "$"))
    assert words[:2] == ["exec", "$FLEETCAST_COMMAND"]
    args = ServeStudies.from_argv(words[2:])
    assert (args.host, jobs["FLEETCAST_STUDIES_URL"]) == ("0.0.0.0", f"http://studies:{args.port}")
    assert f"127.0.0.1:{args.port}/health" in service["healthcheck"]["test"][-1]
