"""The images as they were built, and not as their files say."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from live_cluster import TAG, wait_for
from live_runs import Deployment
from pod_jobs import POD_JOBS

REPOSITORY = Path(__file__).parents[2]
IMPORT = "import importlib, sys; [importlib.import_module(f'fleetcast.jobs.{job}') for job in sys.argv[1:]]"


def output(*command: str) -> str:
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.strip()


def test_every_job_imports_in_the_trainers_image(deployment: Deployment) -> None:
    release = deployment.release
    release.start_pod("imports", "python", "-c", IMPORT, *POD_JOBS)

    def ended() -> str | None:
        status = release.core.read_namespaced_pod("imports", release.training).status
        return status.phase if status.phase in ("Succeeded", "Failed") else None

    phase = wait_for(ended, seconds=300, what="the end of the imports")
    said = release.core.read_namespaced_pod_log("imports", release.training)
    release.core.delete_namespaced_pod("imports", release.training)
    assert phase == "Succeeded", said


def labels_of(image: str) -> dict[str, str]:
    """As the first builder that works here knows them."""
    labels: dict[str, str]
    if shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0:
        labels = json.loads(output("docker", "image", "inspect", image))[0]["Config"]["Labels"]
    elif shutil.which("podman"):
        labels = json.loads(output("podman", "image", "inspect", image))[0]["Labels"]
    else:
        labels = json.loads(output("buildah", "inspect", "--type", "image", image))["OCIv1"]["config"]["Labels"]
    return labels


@pytest.mark.parametrize("name", ["airflow", "trainer", "mlflow"])
def test_labels_name_this_version_of_the_code(name: str) -> None:
    labels = labels_of(f"localhost/fleetcast-{name}:{TAG}")
    assert labels["org.opencontainers.image.revision"].removesuffix("-modified") == output("git", "rev-parse", "HEAD")
    digest = "from fleetcast.job_args.run_key import code_digest; print(code_digest())"
    assert labels["fleetcast.code-digest"] == output("env", "PYTHONPATH=include", "python3", "-c", digest)
