"""Kubernetes' Pod Security Standard `restricted`, and more that Fleetcast asks of each of its pods."""

from collections.abc import Iterator, Mapping
from typing import Any

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
SYSCTLS = {"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ping_group_range"}
Spec = Mapping[str, Any]


def violations(spec: Spec) -> list[str]:
    """What the pod's spec does that `restricted` forbids, and what Fleetcast's own rules miss; empty: nothing."""
    containers = [*spec.get("initContainers", []), *spec["containers"]]
    return [
        *_of_the_pod(spec),
        *(f"{c['name']}: {problem}" for c in containers for problem in _of_the_container(c, spec)),
        *(f"{c['name']}: {problem}" for c in containers for problem in _of_our_own(c)),
    ]


def _of_the_pod(spec: Spec) -> Iterator[str]:
    security = spec.get("securityContext", {})
    yield from (field for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field))
    for volume in spec.get("volumes", []):
        yield from (f"volume {kind}" for kind in set(volume) - {"name"} - VOLUMES)
    yield from (f"sysctl {s['name']}" for s in security.get("sysctls", []) if s["name"] not in SYSCTLS)
    if security.get("runAsUser") == 0:
        yield "runs as root"
    if "serviceAccountName" not in spec:
        yield "the namespace's default service account"


def _of_the_container(container: Spec, spec: Spec) -> Iterator[str]:
    security = {**spec.get("securityContext", {}), **container.get("securityContext", {})}
    capabilities = security.get("capabilities", {})
    if security.get("privileged"):
        yield "privileged"
    if security.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if capabilities.get("drop") != ["ALL"] or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "capabilities"
    if security.get("runAsNonRoot") is not True or security.get("runAsUser") == 0:
        yield "may run as root"
    if security.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "seccompProfile"
    if security.get("procMount", "Default") != "Default":
        yield "procMount"
    yield from (f"hostPort {port['hostPort']}" for port in container.get("ports", []) if port.get("hostPort"))


def _of_our_own(container: Spec) -> Iterator[str]:
    if container["securityContext"].get("readOnlyRootFilesystem") is not True:
        yield "may write to its root file system"
    resources = container.get("resources", {})
    for bound in ("requests", "limits"):
        yield from (f"no {bound} of {what}" for what in ("cpu", "memory") if what not in resources.get(bound, {}))
