import json
import re
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred
from kubernetes.client import ApiClient, ApiException
from kubernetes.client import models as k8s

from fleetcast.errors import StoreError
from fleetcast.job_args.base import JobArgs
from fleetcast.job_args.fleet import ComputeFeatures, FleetJobArgs, TrainVariants
from fleetcast.orchestration.pods import PodOperator, pod_options
from fleetcast.orchestration.sequence_results import JOBS
from fleetcast.settings import PodSettings, Settings
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store

LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")  # what Kubernetes takes as a label's value
NODE_POOLS = {
    "training": {
        "cpu": 4,
        "memory": "8Gi",
        "node_selector": {"pool": "cpu"},
        "tolerations": [{"key": "dedicated", "value": "training", "effect": "NoSchedule"}],
        "priority_class": "batch",
        "schedule_seconds": 1800,
        "startup_seconds": 300,
        "deadline_seconds": 7200,
        "grace_seconds": 90,
        "max_pods": 36,
    },
    "gpu": {"cpu": 4, "cpu_request": "500m", "memory_request": "1Gi", "gpu": 2},
}


@pytest.fixture
def pods(monkeypatch: pytest.MonkeyPatch) -> PodSettings:
    """A deployment's settings, through the variables that the chart sets."""
    monkeypatch.setenv("FLEETCAST_POD_NODE_POOLS", json.dumps(NODE_POOLS))
    monkeypatch.setenv("FLEETCAST_POD_RELEASE", "fleet-a")
    monkeypatch.setenv("FLEETCAST_POD_ENVIRONMENT", '{"AWS_ENDPOINT_URL": "http://store:8333"}')
    monkeypatch.setenv("FLEETCAST_POD_ENVIRONMENT_SECRETS", '["store-credentials"]')
    monkeypatch.setenv("FLEETCAST_POD_JOB_SECRETS", '{"compute-features": ["a-token"]}')
    monkeypatch.setenv("FLEETCAST_POD_IMAGE_PULL_SECRETS", '["registry"]')
    return PodSettings()


@pytest.fixture
def operator(pods: PodSettings, shared: FleetJobArgs) -> PodOperator:
    """The operator of one shard."""
    settings = Settings(image="registry/trainer@sha256:1", namespace="ml", environment="staging")
    args = shared.for_job(TrainVariants, shard=0, variants_per_pod=4)
    options = pod_options(TrainVariants, settings=settings, pods=pods, node_pool="training")
    return PodOperator(task_id="train_variants", arguments=args.to_argv(), shard=1, **options)


def built(operator: PodOperator) -> dict[str, Any]:
    """The pod as Kubernetes' API gets it."""
    body: dict[str, Any] = ApiClient().sanitize_for_serialization(operator.build_pod_request_obj(dry_run=True))
    return body


def test_the_container_runs_the_shards_command_line(operator: PodOperator, shared: FleetJobArgs) -> None:
    (container,) = built(operator)["spec"]["containers"]
    assert container["image"] == "registry/trainer@sha256:1"
    assert container["command"] == ["fleetcast"]
    assert TrainVariants.from_argv(container["args"]) == shared.for_job(TrainVariants, shard=1, variants_per_pod=4)


def test_requests_equal_limits_and_threads_equal_cores(operator: PodOperator) -> None:
    (container,) = built(operator)["spec"]["containers"]
    size = {"cpu": "4", "memory": "8Gi"}
    assert container["resources"] == {"requests": size, "limits": size}
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    assert environment["OMP_NUM_THREADS"] == environment["OPENBLAS_NUM_THREADS"] == "4"
    assert environment["FLEETCAST_ENVIRONMENT"] == "staging"
    assert environment["AWS_ENDPOINT_URL"] == "http://store:8333"
    assert container["envFrom"] == [{"secretRef": {"name": "store-credentials"}}]


def test_a_jobs_own_secret_reaches_no_other_jobs_pod(pods: PodSettings) -> None:
    def secrets(job: type[FleetJobArgs]) -> list[str]:
        sources = pod_options(job, settings=Settings(), pods=pods, node_pool="training")["env_from"]
        return [source.secret_ref.name for source in sources]

    assert secrets(ComputeFeatures) == ["store-credentials", "a-token"]
    assert secrets(TrainVariants) == ["store-credentials"]


def test_the_pod_goes_where_the_node_pool_says(operator: PodOperator) -> None:
    pod = built(operator)
    spec = pod["spec"]
    assert pod["metadata"]["namespace"] == "ml"
    assert spec["nodeSelector"] == {"pool": "cpu"}
    assert spec["tolerations"] == [
        {"key": "dedicated", "operator": "Equal", "value": "training", "effect": "NoSchedule"}
    ]
    assert spec["priorityClassName"] == "batch"
    assert spec["activeDeadlineSeconds"] == 7200
    assert spec["terminationGracePeriodSeconds"] == 90
    assert spec["restartPolicy"] == "Never"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert (operator.schedule_timeout_seconds, operator.startup_timeout_seconds) == (1800, 300)


def test_a_node_pool_with_a_limit_is_an_airflow_pool(pods: PodSettings) -> None:
    def pool(node_pool: str) -> str | None:
        return pod_options(TrainVariants, settings=Settings(), pods=pods, node_pool=node_pool).get("pool")

    assert pool("training") == "training"
    assert pool("gpu") is None
    assert pool("not configured") is None


def test_the_deployment_may_send_a_job_to_another_node_pool(
    pods: PodSettings, shared: FleetJobArgs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEETCAST_POD_JOB_POOLS", '{"train-variants": "gpu"}')
    options = pod_options(TrainVariants, settings=Settings(), pods=PodSettings(), node_pool="training")
    assert options["container_resources"].limits == {"cpu": "4", "memory": "4Gi", "nvidia.com/gpu": "2"}
    other = pod_options(ComputeFeatures, settings=Settings(), pods=PodSettings(), node_pool="training")
    assert "nvidia.com/gpu" not in other["container_resources"].limits


def test_requests_may_be_less_where_the_node_pool_says_so(pods: PodSettings) -> None:
    options = pod_options(TrainVariants, settings=Settings(), pods=pods, node_pool="gpu")
    assert options["container_resources"].requests == {"cpu": "500m", "memory": "1Gi", "nvidia.com/gpu": "2"}


def test_the_pod_fits_the_restricted_security_standard_and_has_no_token(operator: PodOperator) -> None:
    spec = built(operator)["spec"]
    (container,) = spec["containers"]
    assert spec["serviceAccountName"] == "fleetcast-trainer"
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 50000,
        "runAsGroup": 50000,
        "fsGroup": 50000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
    assert spec["volumes"] == [{"name": "tmp", "emptyDir": {}}]


def test_labels_say_release_job_run_and_shard(operator: PodOperator, shared: FleetJobArgs) -> None:
    pod = built(operator)
    assert (
        pod["metadata"]["labels"].items()
        >= {
            "app.kubernetes.io/name": "fleetcast",
            "app.kubernetes.io/instance": "fleet-a",
            "app.kubernetes.io/component": "train-variants",
            "fleetcast/run-key": shared.run_key,
            "fleetcast/shard": "1",
        }.items()
    )
    assert pod["metadata"]["name"].startswith("train-variants-")


@pytest.mark.parametrize("job", JOBS)
def test_a_sequence_jobs_labels_are_such_as_kubernetes_takes(job: type[JobArgs], pods: PodSettings) -> None:
    """Their run key is no argument, but follows from a configuration that the task does not read."""
    given = {"store": "s3://bucket/prefix", "request": "request"}
    needed = {name: given[name] for name, field in job.model_fields.items() if field.is_required()}
    options = pod_options(job, settings=Settings(), pods=pods, node_pool="gpu")
    labels = built(PodOperator(task_id="t", arguments=job(**needed).to_argv(), **options))["metadata"]["labels"]
    assert [value for value in labels.values() if not LABEL.fullmatch(value)] == []


def test_only_the_one_container_and_no_sidecar(operator: PodOperator) -> None:
    assert len(built(operator)["spec"]["containers"]) == 1
    assert operator.do_xcom_push is False


def test_airflow_waits_without_a_worker_and_finds_its_pod_again(operator: PodOperator) -> None:
    assert operator.deferrable
    assert operator.durable
    assert operator.in_cluster
    assert operator.kubernetes_conn_id is None
    assert not operator.log_events_on_startup
    assert operator.on_finish_action == "delete_succeeded_pod"
    assert operator.termination_message_policy == "FallbackToLogsOnError"


def test_a_node_pool_without_settings_has_the_default_ones(shared: FleetJobArgs) -> None:
    options = pod_options(ComputeFeatures, settings=Settings(), pods=PodSettings(), node_pool="nowhere")
    operator = PodOperator(task_id="t", arguments=shared.for_job(ComputeFeatures).to_argv(), **options)
    (container,) = built(operator)["spec"]["containers"]
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "4Gi"}
    assert "fleetcast/shard" not in built(operator)["metadata"]["labels"]


class Cluster:
    """A cluster that holds one pod, or none any more, and each account."""

    def __init__(self, pod: k8s.V1Pod | None) -> None:
        self.pod = pod
        self.core_v1_client = self
        self.is_in_cluster = True

    def get_pod(self, name: str, namespace: str) -> k8s.V1Pod:
        return self.read_namespaced_pod(name, namespace)

    def read_namespaced_pod(self, name: str, namespace: str, **_: Any) -> k8s.V1Pod:
        if self.pod is None:
            raise ApiException(status=404)
        return self.pod

    def read_namespaced_service_account(self, name: str, namespace: str) -> k8s.V1ServiceAccount:
        return k8s.V1ServiceAccount(metadata=k8s.V1ObjectMeta(name=name, namespace=namespace, uid=f"uid of {name}"))

    def read_namespaced_pod_log(self, **_: Any) -> list[bytes]:
        return [b"the last line\n"]

    def patch_namespaced_pod(self, **_: Any) -> None: ...

    def delete_namespaced_pod(self, *_: Any, **__: Any) -> None:
        self.pod = None

    def list_namespaced_event(self, **_: Any) -> Any:
        return k8s.CoreV1EventList(items=[])


def test_the_jobs_account_owns_the_pod_so_that_it_goes_with_the_release(operator: PodOperator) -> None:
    operator.hook = Cluster(None)
    (owner,) = operator.build_pod_request_obj({}).metadata.owner_references
    assert (owner.kind, owner.name) == ("ServiceAccount", operator.service_account_name)
    assert owner.uid == f"uid of {operator.service_account_name}"


def ended_pod(exit_code: int, message: str | None = None) -> k8s.V1Pod:
    terminated = k8s.V1ContainerStateTerminated(exit_code=exit_code, message=message)
    status = k8s.V1ContainerStatus(
        name="base",
        image="i",
        image_id="i",
        ready=False,
        restart_count=0,
        state=k8s.V1ContainerState(terminated=terminated),
    )
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="p", namespace="ml", labels={}),
        spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base")]),
        status=k8s.V1PodStatus(phase="Failed" if exit_code else "Succeeded", container_statuses=[status]),
    )


def resume(operator: PodOperator, pod: k8s.V1Pod | None, *, status: str) -> None:
    operator.hook = Cluster(pod)
    event = {"status": status, "name": "p", "namespace": "ml", "message": "Container ended"}
    operator.trigger_reentry({}, event)


def test_exit_code_2_fails_without_retries_and_with_the_jobs_own_message(operator: PodOperator) -> None:
    with pytest.raises(AirflowFailException, match=r"^train-variants: unknown symbol$"):
        resume(operator, ended_pod(2, "train-variants: unknown symbol"), status="failed")


def test_another_exit_code_fails_and_may_be_retried(operator: PodOperator) -> None:
    with pytest.raises(AirflowException, match="returned a failure") as raised:
        resume(operator, ended_pod(137, "killed"), status="failed")
    assert not isinstance(raised.value, AirflowFailException)


def test_a_good_pod_without_manifests_did_not_succeed(operator: PodOperator) -> None:
    with pytest.raises(StoreError, match="4 manifests are missing"):
        resume(operator, ended_pod(0), status="success")


def test_a_pod_that_vanished_counts_by_its_manifests(operator: PodOperator, shared: FleetJobArgs, store: Store) -> None:
    with pytest.raises(StoreError, match="4 manifests are missing"):
        resume(operator, None, status="success")
    for variant in shared.variants_in_shard(1, variants_per_pod=4):
        RunFolder(store, shared.run_key).variant(variant.variant_id).commit()
    resume(operator, None, status="success")


def waiting_pod(*, condition: k8s.V1PodCondition | None = None, waiting: tuple[str, str] | None = None) -> k8s.V1Pod:
    pod = ended_pod(0)
    pod.status.phase = "Pending"
    pod.status.conditions = [condition] if condition else []
    (status,) = pod.status.container_statuses
    status.state = k8s.V1ContainerState(
        waiting=k8s.V1ContainerStateWaiting(reason=waiting[0], message=waiting[1]) if waiting else None
    )
    return pod


UNSCHEDULABLE = k8s.V1PodCondition(
    type="PodScheduled", status="False", reason="Unschedulable", message="0/3 nodes are available"
)


@pytest.mark.parametrize(
    ("pod", "status", "said"),
    [
        (waiting_pod(condition=UNSCHEDULABLE), "timeout", "Unschedulable: 0/3 nodes are available"),
        (waiting_pod(waiting=("ErrImagePull", "not found: i")), "error", "ErrImagePull: not found: i"),
        (
            waiting_pod(waiting=("CreateContainerConfigError", 'secret "s" not found')),
            "timeout",
            'secret "s" not found',
        ),
        (waiting_pod(), "timeout", "no node has taken it"),
    ],
)
def test_a_pod_that_did_not_start_is_removed_and_the_log_says_what_it_waited_for(
    operator: PodOperator, pod: k8s.V1Pod, status: str, said: str
) -> None:
    cluster = Cluster(pod)
    operator.hook = cluster
    with pytest.raises(AirflowException, match=re.escape(f"pod p did not start: {said}" if ":" in said else said)):
        operator.trigger_reentry({}, {"status": status, "name": "p", "namespace": "ml", "message": "too long"})
    assert cluster.pod is None


def test_a_pod_that_failed_stays_as_evidence(operator: PodOperator) -> None:
    cluster = Cluster(ended_pod(1, "out of luck"))
    operator.hook = cluster
    with pytest.raises(AirflowException, match="returned a failure"):
        operator.trigger_reentry({}, {"status": "failed", "name": "p", "namespace": "ml", "message": "ended"})
    assert cluster.pod is not None


def test_a_deferral_is_no_failure(operator: PodOperator) -> None:
    running = ended_pod(0)
    running.status.phase = "Running"
    running.status.container_statuses[0].state = k8s.V1ContainerState(running=k8s.V1ContainerStateRunning())
    with pytest.raises(TaskDeferred, match=r"^$") as deferral:  # it has no words, only where it goes on
        resume(operator, running, status="error")
    assert deferral.value.method_name == "trigger_reentry"
