import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from live_cluster import Release, kubectl
from live_runs import MICRO, Deployment

SCHEDULE_SECONDS = 15
NOWHERE = {
    "nodePools": {
        "nowhere": {"selector": {"no-such": "label"}, "scheduleTimeoutSeconds": SCHEDULE_SECONDS, "maxPods": 3},
        "gpus": {"gpu": 1, "scheduleTimeoutSeconds": SCHEDULE_SECONDS, "maxPods": 3},
    },
    "jobPools": {"compute-features": "nowhere", "label-events": "gpus"},
    "retries": 0,
}
EXTERNAL_DATABASE = {
    "postgres": {"embedded": {"enabled": False}, "existingSecret": "bad-database"},
    "mlflow": {"enabled": False, "trackingUri": "http://mlflow.example"},
}


def failures(deployment: Deployment) -> dict[str, str]:
    """What the log of each failed task of a run says last."""
    run_id = deployment.trigger(**MICRO)
    return deployment.last_errors(run_id, deployment.wait(run_id, seconds=900))


@pytest.fixture
def other(deployment: Deployment) -> Iterator[Release]:
    """A second release, which is not there yet."""
    release = Release(f"{deployment.release.namespace}-bad", name="bad")
    release.remove()
    kubectl("create", "namespace", release.namespace)
    yield release
    release.remove()


def test_a_secret_that_is_not_there_is_named_before_anything_is_installed(other: Release) -> None:
    with pytest.raises(RuntimeError, match=rf"bad-database.*{other.namespace}"):
        other.install(EXTERNAL_DATABASE)
    assert kubectl("-n", other.namespace, "get", "deployments,statefulsets,jobs", "-o", "name") == ""


def test_a_pod_that_fits_no_node_fails_in_time_and_its_log_says_why(deployment: Deployment) -> None:
    deployment.release.install(NOWHERE)
    failed = failures(deployment)
    assert "didn't match Pod's node affinity/selector" in failed["compute_features"]
    assert "Insufficient nvidia.com/gpu" in failed["label_events"]
    assert deployment.release.pods(namespace=deployment.release.training) == []


@pytest.mark.long
def test_an_image_that_does_not_exist_is_named_in_the_log(deployment: Deployment) -> None:
    missing = {"images": {"trainer": {"tag": "missing"}}, "studies": {"enabled": False}}  # it runs that image too
    deployment.release.install({**missing, "retries": 0})
    failed = failures(deployment)
    assert "fleetcast-trainer:missing" in failed["take_snapshot"]
    assert "Image" in failed["take_snapshot"]


@pytest.mark.long
def test_a_store_that_nobody_can_reach_is_named_in_the_log(deployment: Deployment) -> None:
    values: dict[str, Any] = {
        "objectStore": {
            "embedded": {"enabled": False},
            "uri": "s3://elsewhere",
            "endpointUrl": "http://store.invalid:7070",
        },
        "images": {"trainer": {"tag": "test"}},
        "studies": {"enabled": True},
    }
    deployment.release.install(values)
    assert "s3://elsewhere" in failures(deployment)["take_snapshot"]


@pytest.mark.long
def test_a_database_that_nobody_can_reach_is_named_when_the_time_is_over(other: Release) -> None:
    url = "postgresql+psycopg2://fleetcast:secret@database.invalid/airflow"
    keys = [f"{name}_DATABASE_URL" for name in ("AIRFLOW", "MLFLOW", "OPTUNA")]
    data = dict.fromkeys(keys, base64.b64encode(url.encode()).decode())
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bad-database"}, "data": data}
    kubectl("-n", other.namespace, "apply", "-f", "-", stdin=json.dumps(secret))
    ended = other.deploy(EXTERNAL_DATABASE, timeout="90s")
    assert ended.returncode == 1
    assert "database.invalid" in ended.stderr
    assert "secret" not in ended.stderr
