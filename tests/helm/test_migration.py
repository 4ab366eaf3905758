"""The migration's Job: Kubernetes refuses to change its pod, so another pod must be another Job."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from rendered_chart import CHART, TRYING_OUT, component_of, helm, render


def migration(values: dict[str, Any], *, chart: Path = CHART) -> tuple[str, dict[str, Any]]:
    """(name, pod template) of the Job in this rendering."""
    own = yaml.safe_dump(values)
    text = helm("template", "fleet", str(chart), "--kube-version", "1.34.0", "--values", "-", stdin=own)
    (job,) = [
        found for found in yaml.safe_load_all(text) if found["kind"] == "Job" and component_of(found) == "migration"
    ]
    return job["metadata"]["name"], job["spec"]["template"]


@pytest.mark.parametrize(
    "values",
    [
        {"postgres": {"existingSecret": "mine"}},
        {"images": {"pullSecrets": ["registry"]}},
        {"airflow": {"existingSecret": "mine"}},
        {"priorityClasses": {"create": False}},
        {"nodePools": {"training": {"maxPods": 7}}},
    ],
    ids=str,
)
def test_another_pod_is_another_job(values: dict[str, Any]) -> None:
    base = TRYING_OUT if "postgres" not in values else {"objectStore": TRYING_OUT["objectStore"]}
    (old_name, old_pod), (name, pod) = migration(TRYING_OUT), migration({**base, **values})
    assert pod != old_pod
    assert name != old_name


def test_another_version_of_the_chart_is_another_job(tmp_path: Path) -> None:
    newer = shutil.copytree(CHART, tmp_path / "fleetcast")
    about = newer / "Chart.yaml"
    about.write_text(about.read_text().replace("\nversion: 0.1.0\n", "\nversion: 0.1.1\n"))
    (old_name, old_pod), (name, pod) = migration(TRYING_OUT), migration(TRYING_OUT, chart=newer)
    assert pod != old_pod
    assert name != old_name


def test_the_same_pod_is_the_same_job() -> None:
    more = {**TRYING_OUT, "airflow": {"parallelism": 3}}
    assert migration(TRYING_OUT) == migration(more)


def test_components_wait_for_a_database_that_is_away_and_say_why_within_a_minute() -> None:
    waits = [container for _, container in render("local-dev").containers() if container["name"] == "await-migration"]
    assert len(waits) == 4
    for container in waits:
        words = " ".join([*container["command"], *container["args"]])
        tries = re.search(r"airflow db check --retry (\d+) --retry-delay (\d+)\s+&& .*check-migrations", words)
        assert tries is not None
        assert 15 <= int(tries[1]) * int(tries[2]) <= 45
