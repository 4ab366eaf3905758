"""Renders the chart with helm, and reads what comes out as objects of Kubernetes."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "helm" / "fleetcast"
ENVIRONMENTS = REPOSITORY / "helm" / "environments"
WORKLOADS = ("Deployment", "StatefulSet", "Job")
RELEASE, NAMESPACE, TRAINING = "fleet", "mlops", "mlops-training"
NAME = f"{RELEASE}-fleetcast"
ASK_FOR_ADDRESSES = ("staging", "production")
ADDRESSES = REPOSITORY / "tests" / "helm" / "named_addresses.yaml"
# The least that the chart asks for.
TRYING_OUT = {"postgres": {"embedded": {"enabled": True}}, "objectStore": {"embedded": {"enabled": True}}}


class RefusedError(Exception):
    """Helm's own words about values that the chart does not take."""


@dataclass(frozen=True)
class Rendered:
    """One rendering: its text, and its objects."""

    text: str
    objects: tuple[dict[str, Any], ...]

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [found for found in self.objects if found["kind"] == kind]

    def one(self, kind: str, name: str, *, namespace: str | None = None) -> dict[str, Any]:
        """The object of this full name."""
        (found,) = [
            found
            for found in self.all(kind)
            if found["metadata"]["name"] == name and namespace in (None, found["metadata"].get("namespace"))
        ]
        return found

    def workloads(self) -> list[dict[str, Any]]:
        return [found for kind in WORKLOADS for found in self.all(kind)]

    def containers(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(component, container) of every workload, init containers too."""
        for workload in self.workloads():
            spec = workload["spec"]["template"]["spec"]
            for container in [*spec.get("initContainers", []), *spec["containers"]]:
                yield component_of(workload), container


def component_of(found: Mapping[str, Any]) -> str:
    component: str = found["metadata"]["labels"]["app.kubernetes.io/component"]
    return component


def environments() -> list[str]:
    return sorted(path.stem for path in ENVIRONMENTS.glob("*.yaml"))


def render(
    environment: str | None = None, *, values: Mapping[str, Any] | None = None, flags: tuple[str, ...] = ()
) -> Rendered:
    """Renders the release ``fleet`` in the namespace ``mlops``.

    Args:
        environment: one of the six, with addresses where it asks for them; None is the chart's own values.
        values: laid over them.
        flags: more of ``helm template``.

    Raises:
        RefusedError: the schema or a template refuses the values.
    """
    return _render(environment, json.dumps(values or {}), flags)


def values_of(environment: str) -> list[str]:
    """Flags of helm: an environment's file, with addresses where it asks for them."""
    files = [ENVIRONMENTS / f"{environment}.yaml", *([ADDRESSES] if environment in ASK_FOR_ADDRESSES else [])]
    return [f"--values={file}" for file in files]


@cache
def _render(environment: str | None, values: str, flags: tuple[str, ...]) -> Rendered:
    own = [] if environment is None else values_of(environment)
    # Without a cluster, helm would count as the oldest Kubernetes that it knows.
    flags = ("--kube-version", "1.34.0", *flags)
    text = helm("template", RELEASE, str(CHART), "--namespace", NAMESPACE, *own, "--values", "-", *flags, stdin=values)
    return Rendered(text, tuple(document for document in yaml.safe_load_all(text) if document))


def helm(*words: str, stdin: str = "") -> str:
    """Runs helm, or skips the test where there is none (with CI set: fails it); returns what it prints.

    Raises:
        RefusedError: it ends with an error.
    """
    program = shutil.which("helm")
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("helm is not installed")
    result = subprocess.run([program, *words], input=stdin, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RefusedError(result.stderr)
    return result.stdout
