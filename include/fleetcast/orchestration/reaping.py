"""Removes the deployment's failed pods: they stay a while, for a look at them, and not for ever."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from kubernetes import config
from kubernetes.client import ApiException, CoreV1Api
from kubernetes.client import models as k8s

from fleetcast.settings import read_pod_settings, read_settings

ENDED = ("Failed", "Succeeded")
PAGE = 500
log = logging.getLogger(__name__)


def remove_ended_pods(api: CoreV1Api, *, namespace: str, release: str, older_than: timedelta, now: datetime) -> int:
    """Deletes the release's pods that ended before ``now - older_than``; returns how many."""
    removed = 0
    for pod in _pods(api, namespace, release):
        if pod.status.phase in ENDED and ended_at(pod) < now - older_than:
            _delete(api, pod)
            removed += 1
    return removed


def ended_at(pod: k8s.V1Pod) -> datetime:
    """When its last container ended; one that never ran counts from its creation."""
    states = [status.state.terminated for status in pod.status.container_statuses or [] if status.state]
    times = [state.finished_at for state in states if state is not None and state.finished_at is not None]
    instant: datetime = max(times, default=pod.metadata.creation_timestamp)
    return instant


def remove_failed_pods(*, now: datetime) -> int:
    """What the DAG does: the deployment's own pods, after the time that it grants them."""
    config.load_incluster_config()
    settings, pods = read_settings(), read_pod_settings()
    removed = remove_ended_pods(
        CoreV1Api(),
        namespace=settings.namespace,
        release=pods.release,
        older_than=timedelta(seconds=pods.failed_ttl_seconds),
        now=now,
    )
    log.info("removed %d pods of %s in %s", removed, pods.release, settings.namespace)
    return removed


def _pods(api: CoreV1Api, namespace: str, release: str) -> Iterator[k8s.V1Pod]:
    selector = f"app.kubernetes.io/name=fleetcast,app.kubernetes.io/instance={release}"
    token: str | None = None
    while token is None or token:
        page = api.list_namespaced_pod(namespace, label_selector=selector, limit=PAGE, _continue=token)
        yield from page.items
        token = page.metadata._continue or ""


def _delete(api: CoreV1Api, pod: k8s.V1Pod) -> None:
    try:
        api.delete_namespaced_pod(pod.metadata.name, pod.metadata.namespace)
    except ApiException as exc:
        if exc.status != 404:  # somebody else was first
            raise


def utc_now() -> datetime:
    """The clock, for the DAG: how long a pod has been gone is a matter of now, not of a run's date."""
    return datetime.now(UTC)  # noqa: TID251  the reaper's own clock
