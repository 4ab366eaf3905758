"""The study service: one process on the database of studies, and who asks it."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from fleetcast.job_args.fleet import TrainVariants
from fleetcast.job_args.sequence import TuneCnnLstm, TuneConvlstm
from fleetcast.job_args.tuning import (
    CloseTuning,
    CreateStudyTables,
    PlanFamilyTuning,
    PlanTuning,
    RunTrials,
    ServeStudies,
)
from fleetcast.settings import PodSettings, StudySettings
from rendered_chart import NAME, NAMESPACE, TRYING_OUT, Rendered, component_of, render

ASKING = {job.command for job in (PlanTuning, PlanFamilyTuning, RunTrials, CloseTuning, TuneConvlstm, TuneCnnLstm)}
OWN_DATABASE = {
    "postgres": {"existingSecret": "mine"},
    "objectStore": {"embedded": {"enabled": True}},
}
NO_DATABASE = {
    "airflow": {"enabled": False},
    "mlflow": {"backend": "sqlite"},
    "objectStore": {"embedded": {"enabled": True}},
}


def settings(rendered: Rendered) -> dict[str, str]:
    data: dict[str, str] = rendered.one("ConfigMap", f"{NAME}-airflow")["data"]
    return data


def serves(rendered: Rendered) -> bool:
    """Whether the service runs; where it does not, nothing of it may be left in the rendering."""
    there = "studies" in [component_of(workload) for workload in rendered.workloads()]
    assert there or ("FLEETCAST_STUDIES" not in rendered.text and "-studies" not in rendered.text)
    return there


def test_one_process_at_a_time_serves_on_tables_that_were_made_before() -> None:
    spec = render("production").one("Deployment", f"{NAME}-studies")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    (tables,), (service,) = spec["template"]["spec"]["initContainers"], spec["template"]["spec"]["containers"]
    assert tables["command"] == ["fleetcast", *CreateStudyTables().to_argv()]
    args = ServeStudies.from_argv(service["command"][1:])
    assert [port["containerPort"] for port in service["ports"]] == [args.port]
    assert args.host == "0.0.0.0"


def test_it_runs_the_jobs_own_image() -> None:
    rendered = render("local-dev")
    images = {container["image"] for component, container in rendered.containers() if component == "studies"}
    assert images == {settings(rendered)["FLEETCAST_IMAGE"]}


def test_every_probe_asks_for_its_health() -> None:
    (service,) = render("local-dev").one("Deployment", f"{NAME}-studies")["spec"]["template"]["spec"]["containers"]
    probes = {name: probe["httpGet"] for name, probe in service.items() if name.endswith("Probe")}
    assert set(probes) == {"startupProbe", "readinessProbe", "livenessProbe"}
    assert list(probes.values()) == [{"path": "/health", "port": "http"}] * 3


def test_a_database_that_is_away_for_minutes_is_waited_for() -> None:
    (service,) = render("local-dev").one("Deployment", f"{NAME}-studies")["spec"]["template"]["spec"]["containers"]
    probe = service["livenessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 300


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (TRYING_OUT, True),
        (OWN_DATABASE, True),
        ({**TRYING_OUT, "studies": {"enabled": True}}, True),
        ({**TRYING_OUT, "studies": {"enabled": False}}, False),
        (NO_DATABASE, False),
    ],
    ids=["embedded", "one's own", "asked for", "switched off", "no database"],
)
def test_it_runs_where_there_is_a_database_unless_values_say_otherwise(values: dict[str, Any], expected: bool) -> None:
    assert serves(render(values=values)) is expected


def test_the_jobs_that_tune_find_it_and_no_other_job_gets_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = render(values=TRYING_OUT)
    for name in ("FLEETCAST_POD_ENVIRONMENT", "FLEETCAST_POD_JOB_SECRETS", "FLEETCAST_POD_ENVIRONMENT_SECRETS"):
        monkeypatch.setenv(name, settings(rendered)[name])
    pods = PodSettings()
    assert pods.job_secrets == dict.fromkeys(ASKING, (f"{NAME}-studies",))
    assert TrainVariants.command not in ASKING
    assert f"{NAME}-studies" not in pods.environment_secrets
    monkeypatch.setenv("FLEETCAST_STUDIES_URL", pods.environment["FLEETCAST_STUDIES_URL"])
    found = urlsplit(StudySettings().url)
    (port,) = rendered.one("Service", f"{NAME}-studies")["spec"]["ports"]
    assert (found.hostname, found.port) == (f"{NAME}-studies.{NAMESPACE}.svc", port["port"])


def test_a_token_of_ones_own_is_read_by_service_and_jobs_and_none_is_made() -> None:
    rendered = render(values={**TRYING_OUT, "studies": {"existingSecret": "mine"}})
    assert [found for found in rendered.all("Secret") if component_of(found) == "studies"] == []
    assert set(json.loads(settings(rendered)["FLEETCAST_POD_JOB_SECRETS"])["run-trials"]) == {"mine"}
    (service,) = rendered.one("Deployment", f"{NAME}-studies")["spec"]["template"]["spec"]["containers"]
    (token,) = [v["valueFrom"]["secretKeyRef"] for v in service["env"] if v["name"] == "FLEETCAST_STUDIES_TOKEN"]
    assert token == {"name": "mine", "key": "FLEETCAST_STUDIES_TOKEN"}
