import json
from collections.abc import Iterator

import pytest

from live_cluster import TAG, Release, kubectl, wait_for
from live_runs import Deployment

NOT_OURS = {"configmaps/kube-root-ca.crt", "serviceaccounts/default"}


def objects_in(namespace: str) -> set[str]:
    """Everything that stands in a namespace but what Kubernetes puts into each, as ``kind/name``."""
    kinds = kubectl("api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
    listable = [kind for kind in kinds if not kind.startswith("events")]
    found = json.loads(kubectl("-n", namespace, "get", ",".join(listable), "-o", "json", "--ignore-not-found") or "{}")
    names = {f"{item['kind'].lower()}s/{item['metadata']['name']}" for item in found.get("items", [])}
    return names - NOT_OURS


@pytest.fixture
def guest(deployment: Deployment) -> Iterator[Release]:
    """A second release, which is not there yet; its jobs' namespace is the platform's."""
    release = Release(f"{deployment.release.namespace}-guest", name="guest")
    release.remove()
    for namespace in (release.namespace, release.training):
        kubectl("create", "namespace", namespace)
    yield release
    release.remove()


def start_pod(release: Release, name: str, labels: dict[str, str]) -> None:
    """A pod in the jobs' namespace that would stay for an hour."""
    container = {
        "name": "base",
        "image": f"localhost/fleetcast-trainer:{TAG}",
        "imagePullPolicy": "Never",
        "command": ["sleep", "3600"],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "resources": {kind: {"cpu": "50m", "memory": "64Mi"} for kind in ("requests", "limits")},
    }
    security = {"runAsNonRoot": True, "runAsUser": 50000, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container], "securityContext": security, "terminationGracePeriodSeconds": 1}
    metadata = {"name": name, "namespace": release.training, "labels": labels}
    kubectl(
        "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    )


def running(release: Release) -> set[str]:
    pods = release.pods(namespace=release.training)
    return {pod.metadata.name for pod in pods if pod.status.phase == "Running"}


@pytest.mark.long
def test_in_a_namespace_of_the_platforms_the_jobs_pods_go_and_nothing_else(guest: Release) -> None:
    guest.install({"trainingNamespace": {"create": False}})
    ours = {"app.kubernetes.io/name": "fleetcast", "app.kubernetes.io/instance": f"{guest.namespace}.{guest.name}"}
    start_pod(guest, "a-job", ours)
    start_pod(guest, "a-neighbour", {})
    wait_for(lambda: running(guest) == {"a-job", "a-neighbour"}, seconds=120, what="both pods")
    guest.uninstall()
    assert running(guest) == {"a-neighbour"}
    kubectl("-n", guest.training, "delete", "pod", "a-neighbour")
    assert objects_in(guest.training) == set()
    assert objects_in(guest.namespace) == set()


def test_nothing_is_left_but_what_the_values_say_to_keep(deployment: Deployment) -> None:
    """Stands last: the release is gone afterwards."""
    release = deployment.release
    release.install({"postgres": {"embedded": {"keepData": True}}})
    before = objects_in(release.namespace)
    assert {f"secrets/{release.fullname}-airflow", f"services/{release.fullname}-api-server"} <= before
    release.uninstall()
    kept = {"persistentvolumeclaims": ["postgres"], "secrets": ["airflow", "postgres"]}  # its values need Airflow's key
    assert objects_in(release.namespace) == {
        f"{kind}/{release.fullname}-{name}" for kind, names in kept.items() for name in names
    }
    assert kubectl("get", "namespace", release.training, "--ignore-not-found") == ""
    cluster_wide = kubectl("get", "priorityclasses,clusterroles,clusterrolebindings", "-o", "name")
    assert f"{release.namespace}-{release.fullname}" not in cluster_wide
