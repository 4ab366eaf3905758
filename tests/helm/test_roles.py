"""What pods of ours may do in Kubernetes: start, watch and remove pods of one namespace."""

from typing import Any

import pytest

from rendered_chart import NAME, NAMESPACE, TRAINING, TRYING_OUT, environments, render

RULES: dict[str, dict[str, list[str]]] = {
    "scheduler": {
        "pods": ["create", "delete", "get", "list", "patch"],
        "pods/log": ["get"],
        "events": ["list"],
        "serviceaccounts": ["get"],
    },
    "triggerer": {"pods": ["delete", "get"], "pods/log": ["get"]},
}


def subjects(values: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Whose each role is: (namespace, service account)."""
    bindings = render(values={**TRYING_OUT, **values}).all("RoleBinding")
    found = {binding["roleRef"]["name"].removeprefix(f"{NAME}-"): binding["subjects"] for binding in bindings}
    return {name: (subject["namespace"], subject["name"]) for name, (subject,) in found.items()}


@pytest.mark.parametrize("environment", environments())
def test_who_starts_or_removes_pods_may_do_that_in_the_training_namespace_and_nothing_else(environment: str) -> None:
    rendered = render(environment)
    (training,) = {account["metadata"]["namespace"] for account in rendered.all("ServiceAccount")} - {NAMESPACE}
    roles = {role["metadata"]["name"].removeprefix(f"{NAME}-"): role for role in rendered.all("Role")}
    assert {role["metadata"]["namespace"] for role in roles.values()} == {training}
    assert {
        name: {resource: rule["verbs"] for rule in role["rules"] for resource in rule["resources"]}
        for name, role in roles.items()
    } == RULES
    assert {group for role in roles.values() for rule in role["rules"] for group in rule["apiGroups"]} == {""}
    named = {
        resource
        for role in roles.values()
        for rule in role["rules"]
        if "resourceNames" in rule
        for resource in rule["resources"]
    }
    assert named == {"serviceaccounts"}  # the jobs' own, which owns their pods


@pytest.mark.parametrize("environment", environments())
def test_nothing_reaches_beyond_a_namespace(environment: str) -> None:
    assert render(environment).all("ClusterRole") == render(environment).all("ClusterRoleBinding") == []
    assert {found["metadata"]["namespace"] for found in render(environment).all("RoleBinding")} == {
        found["metadata"]["namespace"] for found in render(environment).all("Role")
    }


def test_the_roles_are_the_accounts_of_their_names() -> None:
    assert subjects({}) == {name: (NAMESPACE, f"{NAME}-{name}") for name in RULES}


def test_an_airflow_elsewhere_gets_the_same_roles() -> None:
    elsewhere = {"namespace": "airflow", "schedulerServiceAccount": "one", "triggererServiceAccount": "two"}
    assert subjects({"airflow": {"enabled": False}, "externalAirflow": elsewhere}) == {
        "scheduler": ("airflow", "one"),
        "triggerer": ("airflow", "two"),
    }
    assert subjects({"airflow": {"enabled": False}})["scheduler"] == (NAMESPACE, "airflow-scheduler")


def test_the_jobs_account_is_bound_to_nothing() -> None:
    rendered = render("local-integration")
    trainer = rendered.one("ServiceAccount", f"{NAME}-trainer", namespace=TRAINING)
    assert trainer["automountServiceAccountToken"] is False
    assert f"{NAME}-trainer" not in str(rendered.all("RoleBinding"))
