"""The jobs' pods as Kubernetes gets them from an Airflow that the chart has configured, in each environment."""

from typing import Any

import pytest
from kubernetes.client import ApiClient

from fleetcast.job_args.base import JobArgs
from fleetcast.job_args.fleet import FleetJobArgs, LogRuns, TrainVariants
from fleetcast.job_args.tuning import RunTrials, TrainProduction
from fleetcast.orchestration.commands import JOBS
from fleetcast.orchestration.pods import PodOperator, pod_options
from fleetcast.settings import PodSettings, Settings
from pod_security import violations
from rendered_chart import NAME, Rendered, environments, render

ENVIRONMENTS = environments()


@pytest.fixture(params=ENVIRONMENTS)
def chart(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Rendered:
    """One environment, with what it sets for Airflow's components set here."""
    rendered = render(request.param)
    for name, value in rendered.one("ConfigMap", f"{NAME}-airflow")["data"].items():
        monkeypatch.setenv(name, value)
    return rendered


def built(job: type[FleetJobArgs], shared: FleetJobArgs, **more: Any) -> dict[str, Any]:
    """The pod of one job."""
    node_pool = "training" if job in (TrainVariants, RunTrials, TrainProduction) else "default"
    options = pod_options(job, settings=Settings(), pods=PodSettings(), node_pool=node_pool)
    operator = PodOperator(task_id="t", arguments=shared.for_job(job, **more).to_argv(), **options)
    pod: dict[str, Any] = ApiClient().sanitize_for_serialization(operator.build_pod_request_obj(dry_run=True))
    return pod


@pytest.fixture
def pods(
    chart: Rendered, shared: FleetJobArgs, own_arguments: dict[type[JobArgs], dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Every job's pod, by its command."""
    jobs = [job for job in JOBS.values() if issubclass(job, FleetJobArgs)]
    return {job.command: built(job, shared, **own_arguments.get(job, {})) for job in jobs}


def test_the_jobs_that_tune_hold_the_study_services_token_and_no_other_job(pods: dict[str, dict[str, Any]]) -> None:
    holding = set()
    for command, pod in pods.items():
        (container,) = pod["spec"]["containers"]
        if [source for source in container["envFrom"] if source["secretRef"]["name"].endswith("-studies")]:
            holding.add(command)
            assert "FLEETCAST_STUDIES_URL" in [variable["name"] for variable in container["env"]]
    assert holding == {"plan-tuning", "plan-family-tuning", "run-trials", "close-tuning"}


def test_every_jobs_pod_passes_the_restricted_security_level(pods: dict[str, dict[str, Any]]) -> None:
    found = {command: violations(pod["spec"]) for command, pod in pods.items()}
    assert found == {command: [] for command in pods}
    assert LogRuns.command in found


def test_it_has_no_token_and_an_account_that_the_chart_makes_without_rights(
    chart: Rendered, pods: dict[str, dict[str, Any]]
) -> None:
    for pod in pods.values():
        assert pod["spec"]["automountServiceAccountToken"] is False
        account = chart.one("ServiceAccount", pod["spec"]["serviceAccountName"], namespace=pod["metadata"]["namespace"])
        assert account["automountServiceAccountToken"] is False
        subjects = [s["name"] for binding in chart.all("RoleBinding") for s in binding["subjects"]]
        assert account["metadata"]["name"] not in subjects


def test_it_lands_where_quota_limits_and_policies_are(chart: Rendered, pods: dict[str, dict[str, Any]]) -> None:
    (training,) = {pod["metadata"]["namespace"] for pod in pods.values()}
    for kind in ("ResourceQuota", "LimitRange"):
        assert [found["metadata"]["namespace"] for found in chart.all(kind)] == [training]
    policies = [found["spec"] for found in chart.all("NetworkPolicy") if found["metadata"]["namespace"] == training]
    for command, pod in pods.items():
        labels = pod["metadata"]["labels"].items()
        mine = [spec for spec in policies if spec["podSelector"].get("matchLabels", {}).items() <= labels]
        few = {spec["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/component") for spec in policies}
        assert len(mine) == (3 if command in few else 2), command  # deny, jobs, and a service for the few


def test_what_it_refers_to_is_there(chart: Rendered, pods: dict[str, dict[str, Any]]) -> None:
    classes = {found["metadata"]["name"] for found in chart.all("PriorityClass")}
    made = {(found["metadata"]["namespace"], found["metadata"]["name"]) for found in chart.all("Secret")}
    for pod in pods.values():
        (container,) = pod["spec"]["containers"]
        assert pod["spec"]["priorityClassName"] in classes
        for source in container["envFrom"]:
            name = source["secretRef"]["name"]
            own = name in ("fleetcast-object-store", "fleetcast-studies")
            assert (pod["metadata"]["namespace"], name) in made or own


def test_no_argument_and_no_variable_holds_a_secret(chart: Rendered, pods: dict[str, dict[str, Any]]) -> None:
    secrets = {value for found in chart.all("Secret") for value in found["data"].values() if len(value) > 16}
    for pod in pods.values():
        assert not [secret for secret in secrets if secret in str(pod)]
