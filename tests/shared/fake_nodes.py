"""Nodes that no machine stands behind: pods on them are said to run a while and to succeed, and run nothing."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from kubernetes import client, watch

LABEL = {"fleetcast-test/node": "fake"}
TAINT = {"key": "fleetcast-test/fake", "effect": "NoSchedule"}
# Of a chart's node pool: there and nowhere else.
PLACEMENT = {"selector": LABEL, "tolerations": [{"key": TAINT["key"], "operator": "Exists"}]}
RESOURCES = {"cpu": "1000", "memory": "4000Gi", "pods": "1000", "ephemeral-storage": "1000Gi"}
LEASE_SECONDS = 10.0


@contextmanager
def fake_nodes(core: client.CoreV1Api, *, n_nodes: int, run_seconds: float) -> Iterator[None]:
    """Keeps the nodes ready and moves their pods on while the block runs."""
    names = [f"fleetcast-test-fake-{number}" for number in range(n_nodes)]
    for name in names:
        with suppress(client.ApiException):
            core.delete_node(name)
        core.create_node(_node(name))
        core.patch_node_status(name, {"status": _ready()})
    stop = threading.Event()
    kubelet = _Kubelet(core, names, run_seconds=run_seconds, stop=stop)
    threads = [threading.Thread(target=work, daemon=True) for work in (kubelet.watch_pods, kubelet.move_on)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(15)
        for name in names:
            core.delete_node(name)


class _Kubelet:
    def __init__(self, core: client.CoreV1Api, names: list[str], *, run_seconds: float, stop: threading.Event) -> None:
        self._core = core
        self._names = set(names)
        self._run_seconds = run_seconds
        self._stop = stop
        self._running: deque[tuple[float, client.V1Pod]] = deque()

    def watch_pods(self) -> None:
        """Starts each pod as soon as it is bound to one of the nodes."""
        started: set[str] = set()
        while not self._stop.is_set():
            with suppress(client.ApiException, OSError):
                for event in watch.Watch().stream(self._core.list_pod_for_all_namespaces, timeout_seconds=5):
                    pod = event["object"]
                    if pod.spec.node_name in self._names and pod.metadata.uid not in started:
                        started.add(pod.metadata.uid)
                        self._report(pod, "Running", {"running": {"startedAt": _now()}})
                        self._running.append((time.monotonic() + self._run_seconds, pod))

    def move_on(self) -> None:
        """Ends pods when their time is over, and keeps the nodes ready."""
        renewed = time.monotonic()
        while not self._stop.wait(0.2):
            while self._running and self._running[0][0] < time.monotonic():
                _, pod = self._running.popleft()
                self._report(pod, "Succeeded", {"terminated": {"exitCode": 0, "finishedAt": _now()}})
            if time.monotonic() - renewed > LEASE_SECONDS:
                renewed = time.monotonic()
                for name in self._names:
                    with suppress(client.ApiException):
                        self._core.patch_node_status(name, {"status": {"conditions": _ready()["conditions"]}})

    def _report(self, pod: client.V1Pod, phase: str, state: dict[str, Any]) -> None:
        container = pod.spec.containers[0]
        status = {"name": container.name, "image": container.image, "imageID": "", "restartCount": 0}
        body = {"phase": phase, "containerStatuses": [{**status, "ready": phase == "Running", "state": state}]}
        with suppress(client.ApiException):  # deleted meanwhile
            self._core.patch_namespaced_pod_status(pod.metadata.name, pod.metadata.namespace, {"status": body})


def _node(name: str) -> dict[str, Any]:
    labels = {**LABEL, "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    return {"metadata": {"name": name, "labels": labels}, "spec": {"taints": [TAINT]}}


def _ready() -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True", "reason": "Fake", "lastHeartbeatTime": _now()}
    # Nobody answers there, so that a question for a log is refused at once.
    address = {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}]}
    endpoint = {"daemonEndpoints": {"kubeletEndpoint": {"Port": 1}}}
    return {"conditions": [condition], "capacity": RESOURCES, "allocatable": RESOURCES, **address, **endpoint}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
