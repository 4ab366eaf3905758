"""### Remove failed pods

Succeeded pods are deleted at once; failed ones stay for a look at them, as long as the deployment says
(`failedPodsTtlSeconds`), and then this removes them. It runs inside Airflow, because only its scheduler and triggerer
may talk to Kubernetes.
"""

from airflow.sdk import CronTriggerTimetable, dag, task

from fleetcast.orchestration.job_task import default_task_options
from fleetcast.settings import read_settings


@dag(
    schedule=CronTriggerTimetable("17 * * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=default_task_options(),
    doc_md=__doc__,
    tags=["maintenance"],
)
def remove_failed_pods() -> None:
    """Wires the one task."""

    @task
    def remove() -> int:
        """Remove pods that failed long ago."""
        from fleetcast.orchestration import reaping  # the Kubernetes client is heavy

        return reaping.remove_failed_pods(now=reaping.utc_now())

    remove()


if read_settings().runtime == "kubernetes":
    remove_failed_pods()
