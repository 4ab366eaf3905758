import httpx

from live_cluster import wait_for
from live_runs import DAG, Deployment


def test_airflows_page_and_health_answer(deployment: Deployment) -> None:
    address = f"http://127.0.0.1:{deployment.release.forward('api-server', 8080)}"
    assert "<title>Airflow</title>" in httpx.get(address).text
    health = httpx.get(f"{address}/api/v2/monitor/health").json()
    components = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    assert {name: health[name]["status"] for name in components} == dict.fromkeys(components, "healthy")


def test_only_who_logs_in_sees_the_dags(deployment: Deployment) -> None:
    address = f"http://127.0.0.1:{deployment.release.forward('api-server', 8080)}"
    assert httpx.get(f"{address}/api/v2/dags").status_code == 401
    wait_for(lambda: deployment.release.airflow().parsed_at(DAG), seconds=120, what="the DAG")
    assert deployment.release.airflow().import_errors() == []


def test_mlflow_answers(deployment: Deployment) -> None:
    address = f"http://127.0.0.1:{deployment.release.forward('mlflow', 5000)}"
    assert httpx.get(f"{address}/health", headers={"Host": "localhost:5000"}).text == "OK"
