"""Notes what becomes of a namespace's pods, while they come and go."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from kubernetes import client, watch

ENDED = ("Succeeded", "Failed")
COMPONENT = "app.kubernetes.io/component"


class PodHistory:
    """All pods that were seen, as they last were, and how many lived at a time.

    ``follow`` are called with each event, in the thread that watches: what acts on pods hangs itself in here.
    """

    def __init__(self) -> None:
        self.pods: dict[str, client.V1Pod] = {}
        self.phases: dict[str, list[str]] = {}
        self.peaks: Counter[str] = Counter()  # by job, and of "all"
        self.follow: list[Callable[[str, client.V1Pod], None]] = []
        self._live: dict[str, str] = {}  # name to job

    def note(self, event: Mapping[str, Any]) -> None:
        """One event of a watch."""
        pod: client.V1Pod = event["object"]
        name, job = pod.metadata.name, (pod.metadata.labels or {}).get(COMPONENT, "")
        self.pods[name] = pod
        phases = self.phases.setdefault(name, [])
        if pod.status.phase not in phases:
            phases.append(pod.status.phase)
        if event["type"] == "DELETED" or pod.status.phase in ENDED:
            self._live.pop(name, None)
        else:
            self._live[name] = job
        for key, count in {**Counter(self._live.values()), "all": len(self._live)}.items():
            self.peaks[key] = max(self.peaks[key], count)
        for act in self.follow:
            act(event["type"], pod)

    def of(self, job: str) -> list[client.V1Pod]:
        """The pods of one job."""
        return [pod for pod in self.pods.values() if (pod.metadata.labels or {}).get(COMPONENT) == job]


@contextmanager
def watching(core: client.CoreV1Api, namespace: str) -> Iterator[PodHistory]:
    """Notes every pod of the namespace while the block runs."""
    history, stop = PodHistory(), threading.Event()

    def watch_pods() -> None:
        while not stop.is_set():
            with suppress(client.ApiException, OSError):
                for event in watch.Watch().stream(core.list_namespaced_pod, namespace, timeout_seconds=5):
                    history.note(event)

    thread = threading.Thread(target=watch_pods, daemon=True)
    thread.start()
    try:
        yield history
    finally:
        stop.set()
        thread.join(10)
