import json
from collections.abc import Iterator

import pytest

from live_cluster import Release, kubectl, wait_for
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


def running(release: Release) -> set[str]:
    pods = release.pods(namespace=release.training)
    return {pod.metadata.name for pod in pods if pod.status.phase == "Running"}


@pytest.mark.long
def test_in_a_namespace_of_the_platforms_the_jobs_pods_go_and_nothing_else(guest: Release) -> None:
    guest.install({"trainingNamespace": {"create": False}})
    name = f"{guest.fullname}-trainer"
    account = guest.core.read_namespaced_service_account(name, guest.training)
    owner = {"apiVersion": "v1", "kind": "ServiceAccount", "name": name, "uid": account.metadata.uid}
    guest.start_pod("a-job", "sleep", "3600", owners=[owner])
    guest.start_pod("a-neighbour", "sleep", "3600")
    wait_for(lambda: running(guest) == {"a-job", "a-neighbour"}, seconds=120, what="both pods")
    guest.uninstall()
    wait_for(lambda: running(guest) == {"a-neighbour"}, seconds=60, what="the job's pod alone to go")
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
