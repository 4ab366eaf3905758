"""Faults at named points of a run on a cluster: pods killed, components restarted, Kubernetes itself unwilling."""

import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from kubernetes import client

from gated_store import GatedStore
from live_cluster import Release, is_ready, kubectl, wait_for
from pod_history import COMPONENT, PodHistory

JOB = "train-variants"
WAIT_SECONDS = 180.0  # for a component to be there again
POINT_SECONDS = 1800.0  # for a point of training to come: other faults hold the run up before it
AWAY_SECONDS = 12.0
MANIFEST = r"/variants/[^/]+/manifest\.json$"
JAIL = "fleetcast-test-jail"
T = TypeVar("T")


class Faults:
    """Each method injects one fault; it returns False where its point did not come while the run went on."""

    def __init__(self, release: Release, *, gate: GatedStore, history: PodHistory, goes_on: Callable[[], bool]) -> None:
        self.release = release
        self.gate = gate
        self.history = history
        self._goes_on = goes_on
        self._numbers = itertools.count()
        self._touched: set[str] = set()

    def pod_killed_before_start(self) -> bool:
        """Gone before its container exists."""
        return self._on_new_pod(self._kill)

    def image_cannot_be_pulled(self) -> bool:
        """A new pod asks for an image that is nowhere."""

        def spoil(pod: client.V1Pod) -> None:
            container = {"name": pod.spec.containers[0].name, "image": "localhost/fleetcast-nowhere:missing"}
            self.release.core.patch_namespaced_pod(
                pod.metadata.name, pod.metadata.namespace, {"spec": {"containers": [container]}}
            )

        return self._on_new_pod(spoil)

    def pod_killed_in_training(self) -> bool:
        """It stores a model, while the next one is in training."""
        return self._at_request("PUT", r"/variants/[^/]+/model\.txt$", hold="before")

    def pod_killed_after_upload(self) -> bool:
        """A variant's outputs are stored, its manifest is on the way and does not arrive."""
        return self._at_request("PUT", MANIFEST, hold="before")

    def pod_killed_after_commit(self) -> bool:
        """The manifest is stored, and the pod does not live to hear of it."""
        return self._at_request("PUT", MANIFEST, hold="after")

    def store_away(self) -> bool:
        """The object store answers 503 for a while."""
        self.gate.tell(away_seconds=AWAY_SECONDS)
        time.sleep(AWAY_SECONDS)
        return True

    def scheduler_killed(self) -> bool:
        return self._kill_component("scheduler")

    def triggerer_killed(self) -> bool:
        return self._kill_component("triggerer")

    def api_server_killed(self) -> bool:
        return self._kill_component("api-server")

    def mlflow_killed(self) -> bool:
        return self._kill_component("mlflow")

    def postgres_killed(self) -> bool:
        return self._kill_component("postgres")

    def node_drained(self) -> bool:
        """The node of a job's pod takes no pods for a while, and those of the job on it are evicted."""
        return self._drain(f"{COMPONENT}={JOB}")

    def node_drained_of_everything(self) -> bool:
        """The same, and with the job go all of the release's services but the servers that it is tried out with."""
        return self._drain(f"app.kubernetes.io/name=fleetcast,{COMPONENT} notin (postgres,object-store)")

    def quota_exhausted(self) -> bool:
        """The namespace may hold no further pod for a while."""
        (quota,) = self.release.core.list_namespaced_resource_quota(self.release.training).items
        hard = quota.spec.hard["pods"]
        self._patch_quota(quota.metadata.name, "1")
        try:
            time.sleep(AWAY_SECONDS)
        finally:
            self._patch_quota(quota.metadata.name, hard)
        return True

    def kubernetes_answers_429(self) -> bool:
        """The API server has no room for scheduler and triggerer, for a while after the first that it refused."""
        before = _refused()
        with self._jailed():
            if self._wait(lambda: _refused() > before) is None:
                return False
            time.sleep(AWAY_SECONDS)
        return True

    def kubernetes_answers_401(self) -> bool:
        """Scheduler and triggerer hold tokens that are no longer worth anything, until they are started anew."""
        components = ("scheduler", "triggerer")
        for component in components:
            self._replace_account(f"{self.release.fullname}-{component}")
        time.sleep(2 * AWAY_SECONDS)  # a token that was found good counts ten seconds more
        for component in components:
            self._kill_component(component)
        return True

    def _drain(self, selector: str) -> bool:
        pod = self._wait(lambda: next(iter(self._running()), None), seconds=POINT_SECONDS)
        if pod is None:
            return False
        node = pod.spec.node_name
        try:
            kubectl("drain", node, f"--pod-selector={selector}", "--force", "--delete-emptydir-data", "--timeout=120s")
        finally:
            kubectl("uncordon", node)
        return True

    def _kill_component(self, component: str) -> bool:
        def ready() -> client.V1Pod | None:
            pods = [pod for pod in self.release.pods(component) if "gate" not in pod.metadata.labels]
            return next((pod for pod in pods if is_ready(pod)), None)

        pod = self._wait(ready)
        if pod is None:
            return False
        self._kill(pod)
        return True

    def _at_request(self, method: str, path: str, *, hold: str) -> bool:
        rule = f"rule-{next(self._numbers)}"
        self.gate.tell(name=rule, method=method, path=path, hold=hold)
        address = self._wait(lambda: self.gate.rule(rule)["taken"], seconds=POINT_SECONDS)
        if not address:
            self.gate.tell(withdraw=rule)
            return False
        pod = next((pod for pod in self._running() if pod.status.pod_ip == address), None)
        if pod is None:
            return False
        self._kill(pod)
        wait_for(lambda: self.gate.rule(rule)["gone"], seconds=120, what=f"the end of {pod.metadata.name}")
        return True

    def _on_new_pod(self, act: Callable[[client.V1Pod], None]) -> bool:
        known, done = set(self.history.pods), threading.Event()

        def follow(_: str, pod: client.V1Pod) -> None:  # in one thread for all
            name = pod.metadata.name
            if done.is_set() or name in known | self._touched or pod.metadata.labels.get(COMPONENT) != JOB:
                return
            self._touched.add(name)
            with suppress(client.ApiException):
                act(pod)
                done.set()

        self.history.follow.append(follow)
        try:
            return self._wait(done.is_set, seconds=POINT_SECONDS) is True
        finally:
            self.history.follow.remove(follow)

    def _running(self) -> list[client.V1Pod]:
        pods = self.release.pods(JOB, namespace=self.release.training)
        return [pod for pod in pods if pod.status.phase == "Running" and pod.metadata.deletion_timestamp is None]

    def _wait(self, condition: Callable[[], T | None], *, seconds: float = WAIT_SECONDS) -> T | None:
        """The first true answer, or None when the run is over or it takes too long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(client.ApiException):
                if found := condition():
                    return found
            if not self._goes_on():
                return None
            time.sleep(0.3)
        return None

    def _kill(self, pod: client.V1Pod) -> None:
        self.release.core.delete_namespaced_pod(pod.metadata.name, pod.metadata.namespace, grace_period_seconds=0)

    def _patch_quota(self, name: str, pods: str) -> None:
        self.release.core.patch_namespaced_resource_quota(
            name, self.release.training, {"spec": {"hard": {"pods": pods}}}
        )

    def _replace_account(self, name: str) -> None:
        account = json.loads(kubectl("-n", self.release.namespace, "get", "serviceaccount", name, "-o", "json"))
        for key in ("uid", "resourceVersion", "creationTimestamp"):
            account["metadata"].pop(key)
        kubectl("-n", self.release.namespace, "delete", "serviceaccount", name)
        kubectl("create", "-f", "-", stdin=json.dumps(account))

    @contextmanager
    def _jailed(self) -> Iterator[None]:
        group = "flowcontrol.apiserver.k8s.io/v1"
        limited = {"nominalConcurrencyShares": 0, "lendablePercent": 0, "limitResponse": {"type": "Reject"}}
        level = {"type": "Limited", "limited": limited | {"borrowingLimitPercent": 0}}
        accounts = [
            {"kind": "ServiceAccount", "serviceAccount": {"name": name, "namespace": self.release.namespace}}
            for name in (f"{self.release.fullname}-scheduler", f"{self.release.fullname}-triggerer")
        ]
        all_of = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
        flow = {
            "priorityLevelConfiguration": {"name": JAIL},
            "matchingPrecedence": 2,
            "rules": [{"subjects": accounts, "resourceRules": [all_of]}],
        }
        try:
            for kind, spec in (("PriorityLevelConfiguration", level), ("FlowSchema", flow)):
                thing = {"apiVersion": group, "kind": kind, "metadata": {"name": JAIL}, "spec": spec}
                kubectl("apply", "-f", "-", stdin=json.dumps(thing))
            yield
        finally:
            kubectl("delete", f"flowschema/{JAIL}", f"prioritylevelconfiguration/{JAIL}", "--ignore-not-found")


def _refused() -> float:
    """How many requests the jail has refused, as the API server counts them."""
    metrics = kubectl("get", "--raw", "/metrics")
    counted = rf'^apiserver_flowcontrol_rejected_requests_total{{.*"{JAIL}".*}} (\S+)'
    return sum(float(count) for count in re.findall(counted, metrics, re.MULTILINE))
