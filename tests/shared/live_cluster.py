"""One release of the chart on the cluster that KUBECONFIG names: install, ask, forward, uninstall."""

import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import yaml
from kubernetes import client, config

from fleetcast.errors import ServiceError
from fleetcast.local.airflow_client import AirflowClient
from fleetcast.store.objects import Store

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "helm" / "deploy"
VALUES = REPOSITORY / "tests" / "cluster" / "values.yaml"
TAG = os.environ.get("TAG", "test")
IMAGES = ("airflow", "trainer", "sequence", "mlflow", "postgres", "objectStore")
VOLUMES = Path("/tmp/fleetcast-test-volumes")
STORAGE_CLASS = "fleetcast-test"
CLAIMS = ("postgres", "object-store", "mlflow")
T = TypeVar("T")


class LiveAirflow(AirflowClient):
    """A session that also lists the tasks of a run."""

    def successes(self, dag_id: str, run_id: str) -> list[tuple[str, int]]:
        """(task_id, map_index) of every task that is shown as a success; -1 where a task is not mapped."""
        found: list[tuple[str, int]] = []
        url, total = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances", 1
        while len(found) < total:
            page = self._request("GET", url, params={"state": "success", "limit": 100, "offset": len(found)}).json()
            total = page["total_entries"]
            found += [(task["task_id"], task["map_index"]) for task in page["task_instances"]]
        return found


def wait_for(condition: Callable[[], T | None], *, seconds: float, what: str, every: float = 1.0) -> T:
    """The first true answer; a service that is away for a moment is no answer."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(ServiceError, client.ApiException):
            answer = condition()
            if answer:
                return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(every)


def kubectl(*words: str, check: bool = True, stdin: str | None = None) -> str:
    """The output of one command."""
    result = subprocess.run(["kubectl", *words], input=stdin, capture_output=True, text=True, check=False)
    if check and result.returncode != 0:
        raise RuntimeError(f"kubectl {' '.join(words[:6])}: {result.stderr.strip()}")
    return result.stdout


class Release:
    """One release of the chart in a namespace of its own."""

    def __init__(self, namespace: str, *, environment: str = "integration-test", name: str = "fleet") -> None:
        config.load_kube_config(os.environ["KUBECONFIG"])
        self.core = client.CoreV1Api()
        self.namespace = namespace
        self.training = f"{namespace}-training"
        self.name = name
        self.fullname = f"{name}-fleetcast"
        self.environment = environment
        self._values: dict[str, Any] = {}
        self._lock = threading.RLock()
        self._forwards: dict[tuple[str, int], tuple[int, subprocess.Popen[bytes]]] = {}
        self._sessions: dict[int, LiveAirflow] = {}

    def deploy(self, values: Mapping[str, Any], *, timeout: str) -> "subprocess.CompletedProcess[str]":
        """Runs `make deploy`'s program with these values over those of before, and of all tests."""
        tests = yaml.safe_load(VALUES.read_text())
        ours = {"images": {image: {"tag": TAG} for image in IMAGES}, "trainingNamespace": {"name": self.training}}
        self._values = merged(merged(merged(merged(tests, ours), self._storage()), self._values), values)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump(self._values, file)
            file.flush()
            where = {"NAMESPACE": self.namespace, "RELEASE": self.name, "TAG": ""}
            environment = {**os.environ, **where, "ENV": self.environment, "VALUES": file.name, "TIMEOUT": timeout}
            return subprocess.run([str(DEPLOY)], env=environment, capture_output=True, text=True, check=False)

    def install(self, values: Mapping[str, Any] | None = None) -> float:
        """Installs, or lays more values over those of before, and waits until healthy; returns the seconds."""
        start = time.monotonic()
        result = self.deploy(values or {}, timeout="15m")
        if result.returncode != 0:
            raise RuntimeError(f"helm/deploy: {result.stderr}\n{self.describe()}")
        return time.monotonic() - start

    def uninstall(self) -> None:
        """Removes the release and waits until its objects are gone."""
        self.stop_forwards()
        command = ["helm", "uninstall", self.name, "--namespace", self.namespace, "--ignore-not-found"]
        # In the foreground, since Helm itself waits for a Deployment's end and not for that of its pods.
        waiting = ["--wait", "--cascade", "foreground", "--timeout", "5m"]
        subprocess.run([*command, *waiting], capture_output=True, check=True)

    def remove(self) -> None:
        """The release, what it has kept, its namespaces and its volumes."""
        self.uninstall()
        kubectl("delete", "namespace", self.namespace, self.training, "--ignore-not-found")
        for claim in CLAIMS:
            kubectl("delete", "persistentvolume", f"{self.namespace}-{claim}", "--ignore-not-found")
        shutil.rmtree(VOLUMES / self.namespace, ignore_errors=True)

    def describe(self) -> str:
        """Pods and the latest events, for a failure's message."""
        pods = kubectl("-n", self.namespace, "get", "pods", "-o", "wide", check=False)
        events = kubectl("-n", self.namespace, "get", "events", "--sort-by=.lastTimestamp", check=False)
        return f"{pods}\n{events[-3000:]}"

    def airflow(self) -> LiveAirflow:
        """A session with the release's Airflow."""
        with self._lock:
            port = self.forward("api-server", 8080)
            if port not in self._sessions:
                password = json.loads(self.secret(f"{self.fullname}-airflow", "passwords.json"))["admin"]
                self._sessions[port] = LiveAirflow(f"http://127.0.0.1:{port}", user="admin", password=password)
            return self._sessions[port]

    def store(self) -> Store:
        """The embedded object store, through a forwarded port."""
        name = f"{self.fullname}-object-store"
        for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            os.environ[key] = self.secret(name, key)
        os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{self.forward('object-store', 7070)}"
        os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
        return Store("s3://fleetcast")

    def secret(self, name: str, key: str) -> str:
        """One value of a secret."""
        data = self.core.read_namespaced_secret(name, self.namespace).data
        return base64.b64decode(data[key]).decode()

    def forward(self, component: str, port: int) -> int:
        """A port of this machine that leads to a component's pod, to another one once that was replaced.

        Not to its service: what leads to a pod that was drained stays open, and nothing ever answers there.

        Raises:
            ServiceError: none of its pods is ready now.
        """
        ready = [pod for pod in self.pods(component) if is_ready(pod)]
        if not ready:
            raise ServiceError(f"no pod of {component} is ready")
        return self.forward_to(f"pod/{ready[0].metadata.name}", port)

    def forward_to(self, target: str, port: int) -> int:
        """A port of this machine that leads to a pod or service; another one after the pod was replaced."""
        with self._lock:
            return self._forward(target, port)

    def _forward(self, target: str, port: int) -> int:
        known = self._forwards.get((target, port))
        if known is not None and known[1].poll() is None:
            return known[0]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            local: int = free.getsockname()[1]
        command = ["kubectl", "-n", self.namespace, "port-forward", target, f"{local}:{port}"]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._forwards[(target, port)] = (local, process)
        wait_for(lambda: _answers(local) or process.poll() is not None, seconds=30, what=f"the port of {target}")
        return local

    def stop_forwards(self) -> None:
        """Ends all forwarded ports, and the sessions that go through them."""
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
        for _, process in self._forwards.values():
            process.terminate()
            process.wait()
        self._forwards.clear()

    def pods(self, component: str | None = None, *, namespace: str | None = None) -> list[client.V1Pod]:
        """The pods of one component or job, or all of a namespace; the release's own where none is named."""
        selector = f"app.kubernetes.io/component={component}" if component else ""
        pods: list[client.V1Pod] = self.core.list_namespaced_pod(
            namespace or self.namespace, label_selector=selector
        ).items
        return pods

    def start_pod(self, name: str, *command: str, owners: Sequence[Mapping[str, str]] = ()) -> None:
        """A pod of the trainer's image among the jobs, as restricted as theirs."""
        container = {
            "name": "base",
            "image": f"localhost/fleetcast-trainer:{TAG}",
            "imagePullPolicy": "Never",
            "command": command,
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "resources": {kind: {"cpu": "50m", "memory": "512Mi"} for kind in ("requests", "limits")},
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        }
        container["resources"]["limits"]["cpu"] = "2"
        spec = {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 50000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        }
        metadata = {"name": name, "namespace": self.training, "ownerReferences": list(owners)}
        self.core.create_namespaced_pod(self.training, {"metadata": metadata, "spec": spec})

    def cpu_seconds(self, component: str) -> float:
        """CPU that a component's container has used since it started, of either version of control groups."""
        script = (
            "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2> /dev/null"
            " || awk '/^usage_usec/ {print $2 * 1000}' /sys/fs/cgroup/cpu.stat"
        )
        (pod,) = [pod for pod in self.pods(component) if pod.metadata.deletion_timestamp is None]
        return float(run_in(pod, "sh", "-c", script, container=component)) / 1e9

    def _storage(self) -> dict[str, Any]:
        """Volumes of our own where the default class makes folders that only root may write."""
        classes = client.StorageV1Api().list_storage_class().items
        if not any(found.provisioner == "kubernetes.io/host-path" for found in classes):
            return {}
        for claim in CLAIMS:
            folder = VOLUMES / self.namespace / claim
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o777)
            kubectl("apply", "-f", "-", stdin=json.dumps(self._volume(claim, folder)))
        embedded = {"embedded": {"storageClass": STORAGE_CLASS}}
        return {"postgres": embedded, "objectStore": embedded, "mlflow": {"sqlite": {"storageClass": STORAGE_CLASS}}}

    def _volume(self, claim: str, folder: Path) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"{self.namespace}-{claim}"},
            "spec": {
                "storageClassName": STORAGE_CLASS,
                "capacity": {"storage": "100Gi"},
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "hostPath": {"path": str(folder)},
                "claimRef": {"namespace": self.namespace, "name": f"{self.fullname}-{claim}"},
            },
        }


def is_ready(pod: client.V1Pod) -> bool:
    """Whether it serves, and is not on its way out."""
    conditions = {found.type: found.status for found in pod.status.conditions or []}
    return pod.metadata.deletion_timestamp is None and conditions.get("Ready") == "True"


def run_in(pod: client.V1Pod, *command: str, container: str | None = None) -> str:
    """The output of a command inside a pod."""
    where = ["-c", container] if container else []
    return kubectl("-n", pod.metadata.namespace, "exec", pod.metadata.name, *where, "--", *command)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others laid over them, as helm does."""
    result = dict(base)
    for key, value in over.items():
        known = result.get(key)
        result[key] = merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return result


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
