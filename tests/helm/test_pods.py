"""What every pod of the services has: no rights that it does not need, bounds, probes, and a place in the queue."""

import json
import re
from typing import Any

import pytest

from fleetcast.orchestration.commands import JOBS
from fleetcast.settings import PodSettings, Settings
from pod_security import violations
from rendered_chart import (
    CHART,
    NAME,
    NAMESPACE,
    TRAINING,
    TRYING_OUT,
    Rendered,
    component_of,
    environments,
    helm,
    render,
)

ALL = [*environments(), None]
TALKS_TO_KUBERNETES = {"scheduler", "triggerer"}


def rendered_in(environment: str | None) -> Rendered:
    """An environment, or none: an Airflow elsewhere beside embedded servers."""
    if environment is None:
        return render(values={**TRYING_OUT, "airflow": {"enabled": False}})
    return render(environment)


def specs(rendered: Rendered) -> dict[str, dict[str, Any]]:
    return {w["metadata"]["name"]: w["spec"]["template"]["spec"] for w in rendered.workloads()}


@pytest.mark.parametrize("environment", ALL)
def test_every_pod_passes_the_restricted_security_level(environment: str | None) -> None:
    found = {name: violations(spec) for name, spec in specs(rendered_in(environment)).items()}
    assert found == {name: [] for name in found}
    assert found


def test_the_check_of_the_security_level_finds_what_is_wrong() -> None:
    spec = {
        "hostNetwork": True,
        "volumes": [{"name": "host", "hostPath": {"path": "/"}}],
        "containers": [{"name": "c", "securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}],
    }
    assert violations(spec) == [
        "hostNetwork",
        "volume hostPath",
        "the namespace's default service account",
        "c: allowPrivilegeEscalation",
        "c: capabilities",
        "c: may run as root",
        "c: seccompProfile",
        "c: may write to its root file system",
        "c: no requests of cpu",
        "c: no requests of memory",
        "c: no limits of cpu",
        "c: no limits of memory",
    ]


@pytest.mark.parametrize("environment", ALL)
def test_every_container_leaves_its_last_words(environment: str | None) -> None:
    policies = {container.get("terminationMessagePolicy") for _, container in rendered_in(environment).containers()}
    assert policies == {"FallbackToLogsOnError"}


@pytest.mark.parametrize("environment", ALL)
def test_only_who_talks_to_kubernetes_holds_a_token_for_it(environment: str | None) -> None:
    rendered = rendered_in(environment)
    assert {account["automountServiceAccountToken"] for account in rendered.all("ServiceAccount")} == {False}
    holders = {
        component_of(workload)
        for workload in rendered.workloads()
        if workload["spec"]["template"]["spec"]["automountServiceAccountToken"] is not False
    }
    assert holders == (set() if environment is None else TALKS_TO_KUBERNETES)


@pytest.mark.parametrize("environment", ALL)
def test_every_pod_has_an_account_of_its_component(environment: str | None) -> None:
    rendered = rendered_in(environment)
    accounts = {account["metadata"]["name"] for account in rendered.all("ServiceAccount")}
    used = {spec["serviceAccountName"] for spec in specs(rendered).values()}
    assert used | {f"{NAME}-trainer"} == accounts
    for workload in rendered.workloads():
        assert workload["spec"]["template"]["spec"]["serviceAccountName"] == f"{NAME}-{component_of(workload)}"


@pytest.mark.parametrize("environment", ALL)
def test_every_service_is_asked_whether_it_lives(environment: str | None) -> None:
    for workload in rendered_in(environment).workloads():
        if workload["kind"] != "Job":
            (container,) = workload["spec"]["template"]["spec"]["containers"]
            assert "livenessProbe" in container, component_of(workload)
            assert "startupProbe" in container or component_of(workload) == "object-store"


@pytest.mark.parametrize("environment", ALL)
def test_a_service_gets_no_requests_before_it_is_ready(environment: str | None) -> None:
    rendered = rendered_in(environment)
    served = {service["metadata"]["name"] for service in rendered.all("Service")}
    for workload in rendered.workloads():
        if workload["metadata"]["name"] in served:
            (container,) = workload["spec"]["template"]["spec"]["containers"]
            assert "readinessProbe" in container, component_of(workload)
            (service,) = [s for s in rendered.all("Service") if s["metadata"]["name"] == workload["metadata"]["name"]]
            assert service["spec"]["selector"].items() <= workload["spec"]["template"]["metadata"]["labels"].items()
            names = {port["name"]: port["containerPort"] for port in container["ports"]}
            assert [names[port["targetPort"]] for port in service["spec"]["ports"]] == [
                port["port"] for port in service["spec"]["ports"]
            ]


def test_a_drained_node_takes_one_replica_at_a_time() -> None:
    rendered = render("production")
    budgets = {component_of(budget): budget["spec"] for budget in rendered.all("PodDisruptionBudget")}
    assert set(budgets) == {"api-server", "scheduler", "dag-processor", "triggerer", "mlflow", "studies"}
    for component, budget in budgets.items():
        labels = rendered.one("Deployment", f"{NAME}-{component}")["spec"]["template"]["metadata"]["labels"]
        assert budget["selector"]["matchLabels"].items() <= labels.items()
        assert budget["maxUnavailable"] == 1
    assert render("local-dev").all("PodDisruptionBudget") == []


def test_a_jobs_pod_counts_as_no_replica_of_a_service() -> None:
    rendered = render("production")
    budgets = [budget["spec"]["selector"]["matchLabels"] for budget in rendered.all("PodDisruptionBudget")]
    services = [service["spec"]["selector"] for service in rendered.all("Service")]
    jobs = {component_of(job): job["spec"]["template"]["metadata"]["labels"] for job in rendered.all("Job")}
    assert set(jobs) == {"migration"}
    for labels in jobs.values():
        assert not any(selector.items() <= labels.items() for selector in (*budgets, *services))


def test_services_go_before_jobs_and_jobs_make_no_room_by_force() -> None:
    rendered = render("staging")
    services, training = rendered.all("PriorityClass")
    assert services["value"] > training["value"]
    assert training["preemptionPolicy"] == "Never"
    assert {spec["priorityClassName"] for spec in specs(rendered).values()} == {services["metadata"]["name"]}
    assert not any(
        "priorityClassName" in s
        for s in specs(render(values={**TRYING_OUT, "priorityClasses": {"create": False}})).values()
    )


def test_pods_find_their_services_by_name_and_not_by_variables() -> None:
    assert {spec["enableServiceLinks"] for spec in specs(render("local-integration")).values()} == {False}


@pytest.mark.parametrize("environment", ["local-dev", "production"])
def test_training_pods_are_bounded_together_and_one_by_one(environment: str) -> None:
    rendered = render(environment)
    (quota,), (limits,) = rendered.all("ResourceQuota"), rendered.all("LimitRange")
    training = TRAINING if environment == "local-dev" else "fleetcast-training"
    assert quota["metadata"]["namespace"] == limits["metadata"]["namespace"] == training
    assert int(quota["spec"]["hard"]["pods"]) >= 3
    (container,) = limits["spec"]["limits"]
    assert container["type"] == "Container"
    assert set(container["default"]) == set(container["defaultRequest"]) == {"cpu", "memory"}


def test_the_training_namespace_refuses_pods_that_are_not_restricted() -> None:
    (namespace,) = render("local-dev").all("Namespace")
    assert namespace["metadata"]["name"] == TRAINING
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert render("production").all("Namespace") == []


def test_our_own_namespace_holds_the_services_and_the_training_one_the_jobs() -> None:
    rendered = render("local-integration")
    assert {workload["metadata"]["namespace"] for workload in rendered.workloads()} == {NAMESPACE}


@pytest.mark.parametrize("environment", environments())
def test_the_code_reads_the_settings_that_the_chart_writes(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = render(environment).one("ConfigMap", f"{NAME}-airflow")["data"]
    variables = {name: value for name, value in data.items() if name.startswith("FLEETCAST_")}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings, pods = Settings(), PodSettings()
    known = {f"FLEETCAST_{name.upper()}" for name in Settings.model_fields}
    known |= {f"FLEETCAST_POD_{name.upper()}" for name in PodSettings.model_fields}
    assert set(variables) <= known
    assert settings.environment == environment
    assert {"default", "training"} <= set(pods.node_pools)
    assert all(pods.job_pools.get(job, "default") in pods.node_pools for job in JOBS)
    assert all(pool.max_pods for pool in pods.node_pools.values())


@pytest.mark.parametrize("environment", environments())
def test_a_pool_says_only_what_differs_and_gets_the_rest_from_default(
    environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = render(environment, values={"nodePools": {"small": {"maxPods": 1}}}).one("ConfigMap", f"{NAME}-airflow")[
        "data"
    ]
    monkeypatch.setenv("FLEETCAST_POD_NODE_POOLS", data["FLEETCAST_POD_NODE_POOLS"])
    pools = PodSettings().node_pools
    assert pools["small"] == pools["default"].model_copy(update={"max_pods": 1})


def test_amounts_that_are_numbers_reach_the_code_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    resources = {"requests": {"cpu": 1, "memory": 8_589_934_592}, "limits": {"cpu": 2, "memory": 8_589_934_592}}
    values = {**TRYING_OUT, "nodePools": {"default": {"resources": resources}}}
    data = render(values=values).one("ConfigMap", f"{NAME}-airflow")["data"]
    monkeypatch.setenv("FLEETCAST_POD_NODE_POOLS", data["FLEETCAST_POD_NODE_POOLS"])
    pool = PodSettings().node_pools["default"]
    assert (pool.cpu, pool.cpu_request, pool.memory, pool.memory_request) == (2, "1", "8589934592", "8589934592")


@pytest.mark.parametrize(("value", "text"), [(1_234_567, "1234567"), (0.25, "0.25"), (True, "true"), ("1e3", "1e3")])
def test_a_number_of_the_configuration_has_no_exponent(value: Any, text: str) -> None:
    values = {"airflow": {"config": {"core": {"some_limit": value}}}, "pollSeconds": 7_654_321}
    data = render(values={**TRYING_OUT, **values}).one("ConfigMap", f"{NAME}-airflow")["data"]
    assert data["AIRFLOW__CORE__SOME_LIMIT"] == text
    assert data["FLEETCAST_POD_POLL_SECONDS"] == "7654321"


def test_no_number_is_written_with_an_exponent() -> None:
    large = {"requests": {"memory": 8_589_934_592}, "limits": {"memory": 8_589_934_592}}
    volume = {"enabled": True, "storage": 5_368_709_120, "resources": large}
    values = {
        "postgres": {"embedded": volume},
        "objectStore": {"embedded": volume},
        "mlflow": {"backend": "sqlite", "sqlite": {"storage": 5_368_709_120}},
        "airflow": {"maxMapLength": 7_000_000, "migration": {"timeoutSeconds": 7_000_000}},
        "failedPodsTtlSeconds": 7_000_000,
        "resourceQuota": {"hard": {"limits.memory": 9_000_000_000_000}},
    }
    public = [text for text in render(values=values).text.split("---\n") if "kind: Secret\n" not in text]
    assert re.findall(r"\d[\d.]*e\+\d+", "".join(public)) == []


def test_two_long_releases_do_not_take_each_others_pods() -> None:
    names = []
    for release in ("fleet-a", "fleet-b"):
        flags = ("--namespace", "n" * 60, "--kube-version", "1.34.0", "--values", "-")
        values = {**TRYING_OUT, "trainingNamespace": {"name": "jobs"}}
        text = helm("template", release, str(CHART), *flags, stdin=json.dumps(values))
        names += re.findall(r"FLEETCAST_POD_RELEASE: (\S+)", text)
    assert len(set(names)) == 2
    assert {len(name) for name in names} == {63}
