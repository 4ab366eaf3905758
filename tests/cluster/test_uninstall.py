import json

from live_cluster import kubectl
from live_runs import Deployment

NOT_OURS = {"configmaps/kube-root-ca.crt", "serviceaccounts/default"}


def objects_in(namespace: str) -> set[str]:
    """Everything that stands in a namespace but what Kubernetes puts into each, as ``kind/name``."""
    kinds = kubectl("api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
    listable = [kind for kind in kinds if not kind.startswith("events")]
    found = json.loads(kubectl("-n", namespace, "get", ",".join(listable), "-o", "json", "--ignore-not-found") or "{}")
    names = {f"{item['kind'].lower()}s/{item['metadata']['name']}" for item in found.get("items", [])}
    return names - NOT_OURS


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
