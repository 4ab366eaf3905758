from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client import ApiException
from kubernetes.client import models as k8s

from fleetcast.orchestration.reaping import (
    ended_at,
    remove_ended_pods,
)

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def pod(name: str, phase: str, *, created: datetime, ended: datetime | None = None) -> k8s.V1Pod:
    terminated = None if ended is None else k8s.V1ContainerStateTerminated(exit_code=1, finished_at=ended)
    status = k8s.V1ContainerStatus(
        name="base",
        image="i",
        image_id="i",
        ready=False,
        restart_count=0,
        state=k8s.V1ContainerState(terminated=terminated),
    )
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name=name, namespace="ml", creation_timestamp=created),
        status=k8s.V1PodStatus(phase=phase, container_statuses=[status]),
    )


class Cluster:
    """A namespace with pods, listed two a page."""

    def __init__(self, *pods: k8s.V1Pod) -> None:
        self.pods = list(pods)
        self.selectors: set[str] = set()
        self.gone_meanwhile: set[str] = set()

    def list_namespaced_pod(
        self, namespace: str, *, label_selector: str, limit: int, _continue: str | None
    ) -> SimpleNamespace:
        self.selectors.add(f"{namespace}: {label_selector}")
        start = int(_continue or 0)
        rest = str(start + 2) if start + 2 < len(self.pods) else None
        metadata = SimpleNamespace(_continue=rest)
        return SimpleNamespace(items=self.pods[start : start + 2], metadata=metadata)

    def delete_namespaced_pod(self, name: str, namespace: str) -> None:
        if name in self.gone_meanwhile:
            raise ApiException(status=404)
        self.pods = [pod if pod.metadata.name != name else deleted(pod) for pod in self.pods]

    def names(self) -> list[str]:
        return [pod.metadata.name for pod in self.pods if pod.metadata.deletion_timestamp is None]


def deleted(pod: k8s.V1Pod) -> k8s.V1Pod:
    pod.metadata.deletion_timestamp = NOW
    return pod


def remove(cluster: Any, older_than: timedelta = DAY) -> int:
    return remove_ended_pods(cluster, namespace="ml", release="fleet.a", older_than=older_than, now=NOW)


def test_only_pods_that_ended_long_ago_go() -> None:
    cluster = Cluster(
        pod("old", "Failed", created=NOW - 3 * DAY, ended=NOW - 2 * DAY),
        pod("fresh", "Failed", created=NOW - 3 * DAY, ended=NOW - DAY / 2),
        pod("long-running", "Running", created=NOW - 9 * DAY),
        pod("waiting", "Pending", created=NOW - 9 * DAY),
        pod("left-over", "Succeeded", created=NOW - 3 * DAY, ended=NOW - 2 * DAY),
    )
    assert remove(cluster) == 2
    assert cluster.names() == ["fresh", "long-running", "waiting"]


def test_only_this_releases_pods_are_looked_at() -> None:
    cluster = Cluster()
    assert remove(cluster) == 0
    assert cluster.selectors == {"ml: app.kubernetes.io/name=fleetcast,app.kubernetes.io/instance=fleet.a"}


def test_a_pod_that_never_ran_counts_from_its_creation() -> None:
    assert ended_at(pod("p", "Failed", created=NOW - DAY)) == NOW - DAY
    assert ended_at(pod("p", "Failed", created=NOW - DAY, ended=NOW)) == NOW


def test_a_pod_that_somebody_else_deleted_is_no_error() -> None:
    cluster = Cluster(pod("old", "Failed", created=NOW - 3 * DAY, ended=NOW - 2 * DAY))
    cluster.gone_meanwhile = {"old"}
    assert remove(cluster) == 1


def test_another_refusal_is_an_error() -> None:
    class Forbidding(Cluster):
        def delete_namespaced_pod(self, name: str, namespace: str) -> None:
            raise ApiException(status=403, reason="Forbidden")

    cluster = Forbidding(pod("old", "Failed", created=NOW - 3 * DAY, ended=NOW - 2 * DAY))
    with pytest.raises(ApiException, match="Forbidden"):
        remove(cluster)
