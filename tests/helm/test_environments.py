import json
from typing import Any, get_args

import pytest
import yaml

from fleetcast.fleet.presets import preset_names
from fleetcast.settings import Settings
from rendered_chart import CHART, ENVIRONMENTS, NAME, environments, render

DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())


def values_of(environment: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((ENVIRONMENTS / f"{environment}.yaml").read_text())
    return values


def leaves(values: dict[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            found |= leaves(value, (*path, key))
        else:
            found[(*path, key)] = value
    return found


def settings_of(environment: str) -> dict[str, str]:
    """What Airflow's components get, by the variable's name."""
    data: dict[str, str] = render(environment).one("ConfigMap", f"{NAME}-airflow")["data"]
    return data


def millicores(amount: str) -> int:
    return int(amount[:-1]) if amount.endswith("m") else int(amount) * 1000


def requested(pod: dict[str, Any]) -> int:
    """Millicores that a pod holds for as long as it lives: those of an init container too, where they are more."""
    services = sum(millicores(container["resources"]["requests"]["cpu"]) for container in pod["containers"])
    first = [millicores(container["resources"]["requests"]["cpu"]) for container in pod.get("initContainers", [])]
    return max([services, *first])


def n_gpus(environment: str) -> int:
    """How many GPUs the jobs may hold at once."""
    pools = json.loads(settings_of(environment)["FLEETCAST_POD_NODE_POOLS"])
    return sum(pool["gpu"] * pool["max_pods"] for pool in pools.values())


def test_the_six_are_those_that_the_code_knows() -> None:
    assert environments() == sorted(get_args(Settings.model_fields["environment"].annotation))


@pytest.mark.parametrize("environment", environments())
def test_a_file_names_its_own_environment_and_says_what_it_is_for(environment: str) -> None:
    assert (ENVIRONMENTS / f"{environment}.yaml").read_text().startswith("# ")
    assert values_of(environment)["environment"] == environment


@pytest.mark.parametrize("environment", environments())
def test_a_file_says_only_what_differs_from_the_defaults(environment: str) -> None:
    defaults = leaves(DEFAULTS)
    own = leaves(values_of(environment))
    del own[("environment",)]
    for path in list(own):
        # What a pool does not say is as in `default`.
        if path[0] == "nodePools" and path[1] != "default" and path not in defaults:
            as_default = ("nodePools", "default", *path[2:])
            defaults[path] = own.get(as_default, defaults.get(as_default))
    assert [path for path, value in own.items() if path in defaults and defaults[path] == value] == []


@pytest.mark.parametrize("environment", environments())
def test_a_run_starts_from_a_preset_that_there_is(environment: str) -> None:
    assert settings_of(environment)["FLEETCAST_PRESET"] in preset_names()
    assert settings_of(environment)["FLEETCAST_ENVIRONMENT"] == environment


def test_servers_are_embedded_only_where_they_may_be_lost() -> None:
    embedded = {name for name in environments() if render(name).all("StatefulSet")}
    assert embedded == {"local-dev", "local-integration", "integration-test"}


def test_the_registry_is_a_file_on_a_laptop_alone() -> None:
    sqlite = {name for name in environments() if "sqlite:////registry" in render(name).text}
    assert sqlite == {"local-dev"}


def test_developers_share_a_registry_that_is_not_the_releases_own() -> None:
    services = {name: [found["metadata"]["name"] for found in render(name).all("Service")] for name in environments()}
    assert [name for name, found in services.items() if f"{NAME}-mlflow" not in found] == ["central-dev"]


def test_a_laptop_with_two_cores_has_room_for_all_services_and_a_training_pod() -> None:
    kinds_own = 950  # etcd 100, API server 250, controllers 200, scheduler 100, two of CoreDNS 100, kindnet 100
    services = [workload["spec"]["template"]["spec"] for workload in render("local-dev").workloads()]
    pools = json.loads(settings_of("local-dev")["FLEETCAST_POD_NODE_POOLS"])
    training = millicores(pools["training"]["cpu_request"])
    assert kinds_own + sum(requested(pod) for pod in services) + training < 2000


def test_gpus_grow_towards_production() -> None:
    gpus = {name: n_gpus(name) for name in environments()}
    assert gpus["local-dev"] == gpus["integration-test"] == 0
    assert 0 < gpus["local-integration"] < gpus["central-dev"] <= gpus["staging"] < gpus["production"]


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_variants_go_to_the_gpu_pool_and_compute_on_cores(environment: str) -> None:
    settings = settings_of(environment)
    assert '"train-variants":"gpu"' in settings["FLEETCAST_POD_JOB_POOLS"]
    assert settings["FLEETCAST_LIGHTGBM_DEVICE"] == "cpu"


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_where_it_counts_nothing_stands_alone_and_metrics_are_sent(environment: str) -> None:
    rendered = render(environment)
    for component in ("api-server", "scheduler", "triggerer", "mlflow"):
        assert rendered.one("Deployment", f"{NAME}-{component}")["spec"]["replicas"] >= 2
    assert settings_of(environment)["AIRFLOW__METRICS__OTEL_ON"] == "True"


@pytest.mark.parametrize("environment", ["central-dev", "staging", "production"])
def test_with_services_of_ones_own_no_password_is_made_up_that_data_depend_on(environment: str) -> None:
    made = {secret["metadata"]["name"] for secret in render(environment).all("Secret")}
    assert made == ({f"{NAME}-airflow", f"{NAME}-studies"} if environment == "central-dev" else set())
