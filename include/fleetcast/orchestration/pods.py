"""The Kubernetes runtime: a job's command as a pod that Airflow waits for without holding a worker."""

from functools import cache
from typing import Any

from airflow.providers.cncf.kubernetes.kubernetes_helper_functions import generic_api_retry
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from kubernetes.client import models as k8s

from fleetcast.job_args.base import JobArgs
from fleetcast.orchestration.commands import check_results, read_arguments
from fleetcast.settings import NodePool, PodSettings, Settings

GPU = "nvidia.com/gpu"


class PodOperator(KubernetesPodOperator):  # type: ignore[misc]
    """Airflow's pod operator with the pod contract: exit code 2 is final, and only manifests are evidence.

    Args:
        shard: which shard, where the job has shards.
        worker: which of those that share the shard, where several do.
        options: those of the pod operator, as `pod_options` makes them.
    """

    template_fields = (*KubernetesPodOperator.template_fields, "shard", "worker")

    def __init__(self, *, shard: int | None = None, worker: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.shard = shard
        self.worker = worker

    def execute(self, context: Any) -> Any:
        """Starts the pod.

        Raises:
            AirflowSkipException: the run's plan has no such step.
        """
        if not self.arguments:
            raise AirflowSkipException("not a step of this run")
        return super().execute(context)

    def build_pod_request_obj(self, context: Any = None, *, dry_run: bool = False) -> k8s.V1Pod:
        """The pod: the shard's own arguments, labels that say which run and shard it belongs to, and its owner."""
        args = read_arguments(self.arguments, shard=self.shard, worker=self.worker)
        self.arguments: list[str] = args.to_argv()
        self.labels: dict[str, str] = {**self.labels, **_run_labels(args)}
        pod: k8s.V1Pod = super().build_pod_request_obj(context, dry_run=dry_run)
        if not dry_run:
            pod.metadata.owner_references = [self._owner()]
        return pod

    @generic_api_retry  # type: ignore[untyped-decorator]
    def _owner(self) -> k8s.V1OwnerReference:
        """The jobs' account: where a release is removed, Kubernetes removes what its objects own, in any namespace."""
        account = self.client.read_namespaced_service_account(self.service_account_name, self.namespace)
        return k8s.V1OwnerReference(
            api_version="v1", kind="ServiceAccount", name=account.metadata.name, uid=account.metadata.uid
        )

    def trigger_reentry(self, context: Any, event: dict[str, Any]) -> None:
        """Resumes after the pod's end.

        Raises:
            AirflowFailException: exit code 2: a retry cannot help.
            AirflowException: the pod failed, or did not start in time.
            StoreError: a manifest is missing; Airflow's own operator counts a pod that vanished as a success.
        """
        try:
            super().trigger_reentry(context, event)
        except AirflowException as exc:
            ended = _ended_container(self.pod, self.base_container_name)
            if ended is not None and ended.exit_code == 2:
                raise AirflowFailException(ended.message or str(exc)) from None  # the job's own words, alone
            obstacle = why_not_started(self.pod)
            if obstacle is not None:
                # It has no evidence to keep, and must not start when nobody waits for it any more.
                self.pod_manager.delete_pod(self.pod)
                raise AirflowException(f"pod {event['name']} did not start: {obstacle}") from None
            raise
        check_results(read_arguments(self.arguments, shard=self.shard, worker=self.worker))


def pod_options(job: type[JobArgs], *, settings: Settings, pods: PodSettings, node_pool: str) -> dict[str, Any]:
    """What the deployment says of the job's pods, in the pod operator's words."""
    node_pool = pods.job_pools.get(job.command, node_pool)
    nodes = pods.node_pool(node_pool)
    return {
        **_airflow_pool(pods, node_pool),
        "name": job.command,
        "doc_md": job.__doc__,
        "namespace": settings.namespace,
        "image": settings.image_of(job.image),
        "image_pull_policy": pods.image_pull_policy,
        "image_pull_secrets": [k8s.V1LocalObjectReference(name=name) for name in pods.image_pull_secrets],
        "cmds": ["fleetcast"],
        "env_vars": _environment(settings, pods, nodes),
        "env_from": [
            k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name=name))
            for name in (*pods.environment_secrets, *pods.job_secrets.get(job.command, ()))
        ],
        "labels": {
            "app.kubernetes.io/name": "fleetcast",
            "app.kubernetes.io/instance": pods.release,
            "app.kubernetes.io/component": job.command,
        },
        **_placement(nodes),
        **_security(service_account=pods.service_account, user_id=pods.user_id),
        **_conduct(pods),
    }


def _airflow_pool(pods: PodSettings, node_pool: str) -> dict[str, str]:
    """A node pool with a limit has an Airflow pool of its own name, which counts the pods that wait or run."""
    limited = pods.node_pool(node_pool).max_pods is not None
    return {"pool": node_pool if node_pool in pods.node_pools else "default"} if limited else {}


def _environment(settings: Settings, pods: PodSettings, nodes: NodePool) -> dict[str, str]:
    threads = str(nodes.cpu)
    return {
        "FLEETCAST_ENVIRONMENT": settings.environment,
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "POLARS_MAX_THREADS": threads,
        **pods.environment,
    }


def _placement(nodes: NodePool) -> dict[str, Any]:
    gpus = {GPU: str(nodes.gpu)} if nodes.gpu else {}
    limits = {"cpu": str(nodes.cpu), "memory": nodes.memory, **gpus}
    requests = limits | {"cpu": nodes.cpu_request or str(nodes.cpu), "memory": nodes.memory_request or nodes.memory}
    return {
        "container_resources": k8s.V1ResourceRequirements(requests=requests, limits=limits),
        "node_selector": dict(nodes.node_selector),
        "tolerations": [k8s.V1Toleration(**toleration.model_dump()) for toleration in nodes.tolerations],
        "priority_class_name": nodes.priority_class,
        "schedule_timeout_seconds": nodes.schedule_seconds,
        "startup_timeout_seconds": nodes.startup_seconds,
        "active_deadline_seconds": nodes.deadline_seconds,
        "termination_grace_period": nodes.grace_seconds,
    }


@cache  # a Kubernetes object takes half a millisecond, and a DAG file is parsed every minute
def _security(*, service_account: str, user_id: int) -> dict[str, Any]:
    """What the Pod Security Standard ``restricted`` asks, and more: a read-only root, and no token for Kubernetes."""
    return {
        "service_account_name": service_account,
        "automount_service_account_token": False,
        "security_context": k8s.V1PodSecurityContext(
            run_as_non_root=True,
            run_as_user=user_id,
            run_as_group=user_id,
            fs_group=user_id,
            seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
        ),
        "container_security_context": k8s.V1SecurityContext(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=k8s.V1Capabilities(drop=["ALL"]),
        ),
        "volumes": [k8s.V1Volume(name="tmp", empty_dir=k8s.V1EmptyDirVolumeSource())],
        "volume_mounts": [k8s.V1VolumeMount(name="tmp", mount_path="/tmp")],
    }


def _conduct(pods: PodSettings) -> dict[str, Any]:
    """How Airflow starts, watches and leaves the pod."""
    return {
        "in_cluster": True,
        "kubernetes_conn_id": None,
        "deferrable": True,
        "durable": True,
        "random_name_suffix": True,
        "do_xcom_push": False,
        "poll_interval": pods.poll_seconds,
        "get_logs": True,
        "log_events_on_startup": False,  # each poll would read every event of the namespace
        "log_events_on_failure": True,
        "log_pod_spec_on_failure": False,
        "on_finish_action": "delete_succeeded_pod",
        "on_kill_action": "delete_pod",
        "termination_message_policy": "FallbackToLogsOnError",
    }


def _run_labels(args: JobArgs) -> dict[str, str]:
    named = args.model_dump(include={"run_key", "stage", "shard", "worker"}, exclude_none=True)
    return {f"fleetcast/{name.replace('_', '-')}": str(value) for name, value in named.items()}


def why_not_started(pod: k8s.V1Pod | None) -> str | None:
    """What a pod that waits is waiting for, in Kubernetes' words; None for one that has started, or is gone."""
    if pod is None or pod.status is None or pod.status.phase != "Pending":
        return None
    for condition in pod.status.conditions or []:
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"{condition.reason}: {condition.message}"
    for status in pod.status.container_statuses or []:
        if status.state is not None and status.state.waiting is not None:
            return f"{status.state.waiting.reason}: {status.state.waiting.message or 'no message'}"
    return "no node has taken it"


def _ended_container(pod: k8s.V1Pod | None, name: str) -> k8s.V1ContainerStateTerminated | None:
    statuses = (pod.status.container_statuses if pod is not None and pod.status else None) or []
    return next((status.state.terminated for status in statuses if status.name == name and status.state), None)
