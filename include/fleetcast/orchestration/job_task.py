"""The one way from a job to an Airflow task: DAG files name the job and where its arguments come from."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from airflow.sdk.definitions.xcom_arg import XComArg

from fleetcast.job_args.base import JobArgs
from fleetcast.settings import read_pod_settings, read_settings

# Of the jobs that take a shard's whole pod: Airflow's pool and the chart's node pool.
TRAINING = {"pool": "training", "node_pool": "training"}
# Likewise of those that compute on a GPU where the deployment has a node pool of that name.
ON_GPU = {"pool": "training", "node_pool": "gpu"}


def job_task(
    job: type[JobArgs],
    *,
    arguments: XComArg | Callable[..., list[str]] | list[str],
    shards: XComArg | list[int] | None = None,
    workers: XComArg | list[int] | None = None,
    pool: str = "default_pool",
    node_pool: str = "default",
    **task_options: Any,
) -> Any:
    """An operator that runs the job's command; a mapped one, with one entry a shard, when ``shards`` are given.

    Args:
        job: whose command; the task is named after it.
        arguments: the command line, usually an XCom of the task ``plan``; an empty one skips the task.
        shards: (n_shards,) the shards to map over; each entry stays one number, so that 2160 of them stay light.
        workers: (n_workers,) those that share each shard, or the whole job, where there are several.
        pool: Airflow's pool, which caps how many run at a time.
        node_pool: the chart's name for where the pod runs and what it may take.
        task_options: anything that Airflow's operators take.
    """
    operator, runtime_options = _kubernetes(job, node_pool) if _on_kubernetes() else _process(job)
    options = {
        "task_id": job.command.replace("-", "_"),
        "pool": pool,
        "arguments": arguments,
        **runtime_options,
        **task_options,
    }
    mapped = {name: values for name, values in (("shard", shards), ("worker", workers)) if values is not None}
    if not mapped:
        return operator(**options)
    label = " ".join(f"{name} {{{{ task.{name} }}}}" for name in mapped)
    return operator.partial(map_index_template=label, **options).expand(**mapped)


def worker_numbers() -> list[int] | None:
    """Those that share a shard of trials, as the deployment says; None where each shard has one."""
    n_workers = read_settings().workers_per_family
    return list(range(n_workers)) if n_workers > 1 else None


def default_task_options() -> dict[str, Any]:
    """The ``default_args`` of every DAG of ours."""
    settings = read_settings()
    return {
        "owner": "fleetcast",
        "retries": settings.retries,
        "retry_delay": timedelta(seconds=settings.retry_delay_seconds),
    }


def _on_kubernetes() -> bool:
    return read_settings().runtime == "kubernetes"


def _kubernetes(job: type[JobArgs], node_pool: str) -> tuple[Any, dict[str, Any]]:
    from fleetcast.orchestration.pods import PodOperator, pod_options  # the Kubernetes client is heavy

    return PodOperator, pod_options(job, settings=read_settings(), pods=read_pod_settings(), node_pool=node_pool)


def _process(job: type[JobArgs]) -> tuple[Any, dict[str, Any]]:
    from fleetcast.orchestration.processes import ProcessOperator

    return ProcessOperator, {"command": read_settings().command_of(job.image), "doc_md": job.__doc__}
