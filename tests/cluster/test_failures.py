from kubernetes import client

from live_cluster import wait_for
from live_runs import DAG, MICRO, Deployment


def test_bad_data_fails_at_once_with_the_jobs_own_words_and_its_pod_stays_until_it_is_reaped(
    deployment: Deployment,
) -> None:
    release = deployment.release

    def failed() -> dict[str, client.V1Pod]:
        pods = release.pods(namespace=release.training)
        return {pod.metadata.name: pod for pod in pods if pod.status.phase == "Failed"}

    before = failed()  # such as those whose store was away
    run_id = deployment.trigger(**MICRO | {"bars": "/no/such/bars.csv"})
    status = deployment.wait(run_id, seconds=900)
    assert status.state == "failed"
    (task,) = status.failed
    assert task == ("take_snapshot", -1, 1)
    assert "/no/such/bars.csv" in release.airflow().last_error(DAG, run_id, task=task)

    (kept,) = [pod for name, pod in failed().items() if name not in before]
    assert kept.metadata.labels["app.kubernetes.io/component"] == "take-snapshot"
    assert "/no/such/bars.csv" in kept.status.container_statuses[0].state.terminated.message
    reaping = deployment.trigger("remove_failed_pods")
    assert deployment.wait(reaping, seconds=120, dag="remove_failed_pods").state == "success"
    wait_for(lambda: not failed(), seconds=30, what="an empty namespace")
