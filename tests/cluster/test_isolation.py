import json
from dataclasses import dataclass

import pytest
from kubernetes import client

from live_cluster import Release, run_in, wait_for
from live_runs import Deployment
from pod_history import PodHistory

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
WITH_TOKEN = {"scheduler", "triggerer"}
COMPONENTS = {"api-server", "dag-processor", "mlflow", "object-store", "postgres", "studies"} | WITH_TOKEN
WITH_PYTHON = {"api-server", "dag-processor", "log-runs", "mlflow", "studies"} | WITH_TOKEN
LOOK = f"""
echo user=$(id -u)
if test -e {ACCOUNT}; then echo token=yes; else echo token=no; fi
if touch /probe 2> /dev/null; then echo root=writable; else echo root=read-only; fi
if touch /tmp/probe; then echo tmp=writable; fi
"""
# Asks the Kubernetes API from inside a pod, with its token where it has one; 0 stands for no answer, where
# policies are enforced.
ASK = f"""
import json, os, ssl, sys, urllib.error, urllib.request
headers, context = {{}}, ssl._create_unverified_context()
if os.path.exists("{ACCOUNT}/token"):
    headers["Authorization"] = "Bearer " + open("{ACCOUNT}/token").read()
def status(path):
    request = urllib.request.Request("https://kubernetes.default.svc" + path, headers=headers)
    try:
        return urllib.request.urlopen(request, context=context, timeout=20).status
    except urllib.error.HTTPError as exc:
        return exc.code
    except OSError:
        return 0
print(json.dumps([status(path) for path in sys.argv[1:]]))
"""


@dataclass(frozen=True)
class Seen:
    """What a pod found when it looked around itself, and what Kubernetes' API told it."""

    user_id: int
    has_token: bool
    root: str
    tmp: str
    answers: tuple[int, ...]


@pytest.fixture(scope="module")
def seen(deployment: Deployment, started: tuple[str, PodHistory]) -> dict[str, Seen]:
    """From inside a running pod of each component, and of the job that stays while a run goes on."""
    release = deployment.release

    def running(component: str, namespace: str) -> client.V1Pod | None:
        found = [pod for pod in release.pods(component, namespace=namespace) if pod.status.phase == "Running"]
        return next((pod for pod in found if pod.metadata.deletion_timestamp is None), None)

    places = {"log-runs": release.training} | dict.fromkeys(COMPONENTS, release.namespace)
    pods = {
        component: wait_for(lambda at=(component, place): running(*at), seconds=300, what=component)
        for component, place in places.items()
    }
    return {component: look(pod, paths(release) if component in WITH_PYTHON else []) for component, pod in pods.items()}


def paths(release: Release) -> list[str]:
    """Of Kubernetes' API: a pod of the training namespace, which is not there, then what nobody needs."""
    training, own = f"/api/v1/namespaces/{release.training}", f"/api/v1/namespaces/{release.namespace}"
    return [f"{training}/pods/none", f"{training}/secrets", f"{own}/pods", f"{own}/secrets", "/api/v1/nodes"]


def look(pod: client.V1Pod, asked: list[str]) -> Seen:
    container = pod.spec.containers[0].name
    found = dict(line.split("=") for line in run_in(pod, "sh", "-c", LOOK, container=container).split())
    answers = json.loads(run_in(pod, "python", "-c", ASK, *asked, container=container)) if asked else []
    return Seen(int(found["user"]), found["token"] == "yes", found["root"], found["tmp"], tuple(answers))


def test_no_pod_is_root_or_may_write_its_root_and_only_two_hold_a_token(seen: dict[str, Seen]) -> None:
    for component, found in seen.items():
        assert found.user_id > 0, component
        assert (found.root, found.tmp) == ("read-only", "writable"), component
    assert {component for component, found in seen.items() if found.has_token} == WITH_TOKEN


def test_kubernetes_refuses_every_pod_without_a_token(seen: dict[str, Seen]) -> None:
    for component in WITH_PYTHON - WITH_TOKEN:
        assert set(seen[component].answers) <= {0, 401, 403}, component


def test_a_token_opens_the_training_namespaces_pods_and_nothing_else(seen: dict[str, Seen]) -> None:
    for component in WITH_TOKEN:
        assert seen[component].answers == (404, 403, 403, 403, 403), component
