"""Values that contradict each other are refused when they are rendered, each with what is wrong and how to mend it."""

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from fleetcast.fleet.presets import load_preset, preset_names
from kubernetes_api import kubernetes_api, namespace, secret
from rendered_chart import (
    ASK_FOR_ADDRESSES,
    CHART,
    ENVIRONMENTS,
    NAME,
    NAMESPACE,
    RELEASE,
    TRAINING,
    TRYING_OUT,
    RefusedError,
    helm,
    render,
)


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        known = result.get(key)
        result[key] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result


def problems(
    values: dict[str, Any], *, environment: str | None = None, objects: Sequence[dict[str, Any]] = ()
) -> list[str]:
    """What the chart says, in a cluster with these objects, about values laid over the least that it asks for."""
    base = TRYING_OUT if environment is None else {}
    with (
        kubernetes_api(objects) as flags,
        pytest.raises(RefusedError, match="values that cannot work:") as refused,
    ):
        render(environment, values=merged(base, values), flags=flags)
    return re.findall(r"(?m)^  - (.*)$", str(refused.value))


# One contradiction each, and the one line that says so.
CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    (
        {"postgres": {"existingSecret": "mine"}},
        "postgres.embedded.enabled and postgres.existingSecret are both set: choose the embedded server or your own",
    ),
    (
        {"postgres": {"embedded": {"enabled": False}}},
        "no database: set postgres.existingSecret (keys AIRFLOW_DATABASE_URL, MLFLOW_DATABASE_URL, "
        "OPTUNA_DATABASE_URL), or postgres.embedded.enabled=true to try out",
    ),
    (
        {"objectStore": {"uri": "s3://mine"}},
        "objectStore.embedded.enabled stands beside objectStore.uri, endpointUrl or existingSecret: "
        "choose the embedded store or your own",
    ),
    (
        {"objectStore": {"embedded": {"enabled": False}}},
        "no object store: set objectStore.uri (s3://bucket/prefix), or objectStore.embedded.enabled=true to try out",
    ),
    (
        {"mlflow": {"trackingUri": "http://mlflow"}},
        "mlflow.enabled and mlflow.trackingUri are both set: choose this release's MLflow or the one elsewhere",
    ),
    ({"mlflow": {"enabled": False}}, "no MLflow: set mlflow.enabled=true or mlflow.trackingUri"),
    (
        {"mlflow": {"backend": "sqlite", "replicas": 2}},
        "mlflow.backend=sqlite is one file: set mlflow.replicas=1 or mlflow.backend=postgres",
    ),
    (
        {"trainingNamespace": {"name": "mlops"}},
        "trainingNamespace.name=mlops is the release's own namespace: name another, for the jobs alone",
    ),
    (
        {"airflow": {"ingress": {"enabled": True}}, "networkPolicies": {"enabled": False}},
        "airflow.ingress.enabled without a name: set airflow.ingress.host",
    ),
    (
        {"airflow": {"ingress": {"enabled": True, "host": "airflow.example.org"}}},
        "airflow.ingress.enabled, and network policies let nobody in: name the ingress controller in "
        "networkPolicies.webClients",
    ),
    ({"airflow": {"users": []}}, "airflow.users is empty, so nobody could log in: name at least one"),
    (
        {"airflow": {"config": {"core": {"max_map_length": 10}}}},
        "airflow.config.core.max_map_length is the chart's own: set airflow.maxMapLength",
    ),
    (
        {"airflow": {"config": {"database": {"sql_alchemy_conn": "postgresql://airflow:secret@host/db"}}}},
        "airflow.config.database.sql_alchemy_conn is the chart's own: put it into the Secret postgres.existingSecret",
    ),
    (
        {"airflow": {"config": {"core": {"simple_auth_manager_all_admins": True}}}},
        "airflow.config.core.simple_auth_manager_all_admins is the chart's own: leave it: nobody is let in without a "
        "password",
    ),
    (
        {"nodePools": {"training": {"startupTimeoutSeconds": 600, "deadlineSeconds": 500}}},
        "nodePools.training: deadlineSeconds=500 is shorter than startupTimeoutSeconds=600: a pod's life begins before "
        "its image is there",
    ),
    (
        {"mlflow": {"existingSecret": "mine"}},
        "mlflow.existingSecret is for an MLflow elsewhere, and this release's own asks nobody who comes: leave it out, "
        "or set mlflow.enabled=false",
    ),
    (
        {"airflow": {"config": {"core": {"fernet_key": "secret"}}}},
        "airflow.config.core.fernet_key is the chart's own: put it into the Secret airflow.existingSecret",
    ),
    (
        {"airflow": {"metrics": {"otlpEndpoint": "http://otel:4318", "cidrs": []}}},
        "airflow.metrics.cidrs and airflow.metrics.peers are both empty, so network policies would let nobody reach "
        "it: name one",
    ),
    ({"jobPools": {"log-runs": "big"}}, "jobPools.log-runs=big: no such node pool; expected one of default, training"),
    (
        {"nodePools": {"training": {"graceSeconds": 90, "deadlineSeconds": 60, "startupTimeoutSeconds": 60}}},
        "nodePools.training: deadlineSeconds=60 is shorter than graceSeconds=90: a pod must live longer than its end "
        "takes",
    ),
    (
        {"nodePools": {"training": {"resources": {"limits": {"cpu": "1"}}}}},
        "nodePools.training requests 2 of cpu and is limited to 1: set both in training.resources, because what it "
        "does not say is as in default",
    ),
    (
        {"nodePools": {"big": {"resources": {"requests": {"memory": "6200Mi"}}}}},
        "nodePools.big requests 6200Mi of memory and is limited to 6Gi: set both in big.resources, because what it "
        "does not say is as in default",
    ),
    (
        {"limitRange": {"max": {"memory": "5Gi"}}},
        "nodePools.default may take 6Gi of memory, and limitRange.max.memory=5Gi would refuse its pods: lower the one "
        "or raise the other",
    ),
    (
        {"nodePools": {"default": {"maxPods": 2}}},
        "nodePools.default.maxPods=2: set at least 3, because log-runs holds one pod while the jobs that it waits for "
        "need two",
    ),
    (
        {"nodePools": {"training": {"maxPods": 100}}},
        "resourceQuota.hard.pods=100 is less than the 108 that nodePools allow (maxPods): raise it, or lower maxPods",
    ),
    (
        {"nodePools": {"gpu": {"gpu": 2, "maxPods": 4}}, "resourceQuota": {"hard": {"requests.nvidia.com/gpu": "7"}}},
        "resourceQuota.hard.requests.nvidia.com/gpu=7 is less than the 8 that nodePools allow (maxPods): raise it, or "
        "lower maxPods",
    ),
    (
        {"airflow": {"triggerer": {"capacity": 43}}},
        "airflow.triggerer watches 43 pods (capacity times replicas), and nodePools allow 44 (maxPods): raise "
        "capacity, or lower maxPods",
    ),
    (
        {"resourceQuota": {"hard": {"pods": "0.04k"}}},
        "resourceQuota.hard.pods=0.04k is less than the 44 that nodePools allow (maxPods): raise it, or lower maxPods",
    ),
    (
        {"resourceQuota": {"hard": {"limits.memory": "5Gi"}}},
        "resourceQuota.hard.limits.memory=5Gi is less than the 196608Mi that nodePools allow (maxPods): raise it, or "
        "lower maxPods",
    ),
    (
        {"resourceQuota": {"hard": {"requests.cpu": "87500m"}}},
        "resourceQuota.hard.requests.cpu=87500m is less than the 88 that nodePools allow (maxPods): raise it, or lower "
        "maxPods",
    ),
    (
        {"resourceQuota": {"hard": {"count/pods": 43}}},
        "resourceQuota.hard.count/pods=43 is less than the 44 that nodePools allow (maxPods): raise it, or lower "
        "maxPods",
    ),
    (
        {"airflow": {"dagProcessor": {"resources": {"requests": {"cpu": 2}}}}},
        "airflow.dagProcessor.resources.requests.cpu=2 is above airflow.dagProcessor.resources.limits.cpu=1: lower the "
        "one or raise the other",
    ),
    (
        {"mlflow": {"resources": {"limits": {"memory": "512Mi"}}}},
        "mlflow.resources.requests.memory=768Mi is above mlflow.resources.limits.memory=512Mi: lower the one or raise "
        "the other",
    ),
    (
        {"postgres": {"embedded": {"resources": {"requests": {"memory": 2_147_483_648}}}}},
        "postgres.embedded.resources.requests.memory=2147483648 is above postgres.embedded.resources.limits.memory="
        "1Gi: lower the one or raise the other",
    ),
    (
        {"objectStore": {"embedded": {"resources": {"limits": {"cpu": "50m"}}}}},
        "objectStore.embedded.resources.requests.cpu=100m is above objectStore.embedded.resources.limits.cpu=50m: "
        "lower the one or raise the other",
    ),
    (
        {"limitRange": {"max": {"cpu": 8}, "default": {"cpu": 9}}},
        "limitRange.default.cpu=9 is above limitRange.max.cpu=8: lower the one or raise the other",
    ),
    (
        {"limitRange": {"defaultRequest": {"memory": "2Gi"}}},
        "limitRange.defaultRequest.memory=2Gi is above limitRange.default.memory=1Gi: lower the one or raise the other",
    ),
    (
        {"priorityClasses": {"training": 100_001}},
        "priorityClasses.training=100001 is above priorityClasses.services=100000, and jobs would displace the "
        "services that start them: lower the one or raise the other",
    ),
    (
        {"nodePools": {"training": {"tolerations": [{"key": "gpu", "operator": "Exists", "value": "yes"}]}}},
        "nodePools.training.tolerations: gpu has operator Exists and the value yes: leave out the value, or set "
        "operator Equal",
    ),
    (
        {"nodePools": {"training": {"tolerations": [{"effect": "NoSchedule"}]}}},
        "nodePools.training.tolerations: operator Equal without a key: name the taint's key, or set operator Exists",
    ),
    (
        {"airflow": {"users": [{"name": "ann", "role": "user"}, {"name": "ann", "role": "admin"}]}},
        "airflow.users names ann more than once: name each user once",
    ),
    (
        {"airflow": {"config": {"api_auth": {"jwt_secret_cmd": "cat key"}}}},
        "airflow.config.api_auth.jwt_secret_cmd is the chart's own: put it into the Secret airflow.existingSecret",
    ),
    (
        {"airflow": {"config": {"database": {"sql_alchemy_conn_secret": "url"}}}},
        "airflow.config.database.sql_alchemy_conn_secret is the chart's own: put it into the Secret "
        "postgres.existingSecret",
    ),
    (
        {"airflow": {"config": {"core": {"simple_auth_manager_passwords_file": "/tmp/p"}}}},
        "airflow.config.core.simple_auth_manager_passwords_file is the chart's own: put passwords.json into the "
        "Secret airflow.existingSecret",
    ),
    (
        {"trainingNamespace": {"name": "mlops", "create": False}},
        "trainingNamespace.name=mlops is the release's own namespace: name another, for the jobs alone",
    ),
    (
        {
            "airflow": {"enabled": False},
            "mlflow": {"backend": "sqlite"},
            "postgres": {"embedded": {"enabled": False}},
            "studies": {"enabled": True},
        },
        "no database: set postgres.existingSecret (keys AIRFLOW_DATABASE_URL, MLFLOW_DATABASE_URL, "
        "OPTUNA_DATABASE_URL), or postgres.embedded.enabled=true to try out",
    ),
    (
        {"tune": True, "studies": {"enabled": False}},
        "tune=true needs the study service, and studies.enabled is false or there is no database for it: set "
        "studies.enabled=true with postgres.existingSecret or postgres.embedded.enabled=true, or set tune=false",
    ),
    (
        {
            "tune": True,
            "lightgbmDevice": "gpu",
            "nodePools": {"gpu": {"gpu": 1}},
            "jobPools": {"train-variants": "gpu", "run-trials": "gpu", "train-production": "gpu"},
        },
        "lightgbmDevice=gpu, and the node pool default of judge-holdout has gpu: 0: name a pool with GPUs in "
        "jobPools.judge-holdout, or set lightgbmDevice=cpu",
    ),
    (
        {"sequenceDevice": "gpu", "nodePools": {"gpu": {"gpu": 1}}, "jobPools": {"evaluate-convlstm": "default"}},
        "sequenceDevice=gpu, and the node pool default of evaluate-convlstm has gpu: 0: name a pool with GPUs in "
        "jobPools.evaluate-convlstm, or set sequenceDevice=gpu-or-cpu",
    ),
    (
        {"mlflow": {"enabled": False, "trackingUri": "https://me:hunter2@mlflow.example"}},
        "mlflow.trackingUri holds a user or a password, and every job's pod would show it: leave them out",
    ),
    (
        {"airflow": {"existingSecret": "one"}, "studies": {"existingSecret": "one"}},
        "studies.existingSecret and airflow.existingSecret name one Secret, one, and jobs would get keys that are not "
        "theirs: make one Secret of each",
    ),
    (
        {"airflow": {"config": {"smtp": {"smtp_password": "hunter2"}}}},
        "airflow.config.smtp.smtp_password would stand in a ConfigMap for everybody to read: name where it is kept, in "
        "smtp_password_secret",
    ),
    (
        {"airflow": {"config": {"celery": {"broker_url": "redis://me:hunter2@broker"}}}},
        "airflow.config.celery.broker_url would stand in a ConfigMap for everybody to read: name where it is kept, in "
        "broker_url_secret",
    ),
    (
        {"studies": {"resources": {"limits": {"memory": "128Mi"}}}},
        "studies.resources.requests.memory=256Mi is above studies.resources.limits.memory=128Mi: lower the one or "
        "raise the other",
    ),
    ({"preset": "huge"}, "preset=huge: no such preset; expected one of full, micro, sample"),
    (
        {"variantsPerPod": 1, "airflow": {"maxMapLength": 2159}},
        "variantsPerPod=1 makes 2160 shards of the preset sample, and airflow.maxMapLength=2159 allows no more than "
        "that: raise either",
    ),
    (
        {"lightgbmDevice": "gpu"},
        "lightgbmDevice=gpu, and the node pool training of train-variants has gpu: 0: name a pool with GPUs in "
        "jobPools.train-variants, or set lightgbmDevice=cpu",
    ),
]


@pytest.mark.parametrize(
    ("values", "problem"), CONTRADICTIONS, ids=[json.dumps(values) for values, _ in CONTRADICTIONS]
)
def test_a_contradiction_is_refused_in_one_line(values: dict[str, Any], problem: str) -> None:
    assert problems(values) == [problem]


@pytest.mark.parametrize("where", ["postgres", "objectStore", "mlflow", "networkPolicies.dns"])
def test_an_end_that_network_policies_would_let_nobody_reach_is_refused(where: str) -> None:
    closed: dict[str, Any] = {"cidrs": [], "peers": []}
    for key in reversed(where.split(".")):
        closed = {key: closed}
    assert problems(closed, environment="central-dev") == [
        f"{where}.cidrs and {where}.peers are both empty, so network policies would let nobody reach it: name one"
    ]


@pytest.mark.parametrize("environment", ASK_FOR_ADDRESSES)
def test_where_it_counts_the_file_alone_lets_no_pod_out_to_everywhere(environment: str) -> None:
    file = ENVIRONMENTS / f"{environment}.yaml"
    with pytest.raises(RefusedError, match="would let nobody reach it: name one") as refused:
        helm("template", RELEASE, str(CHART), "--values", str(file), "--kube-version", "1.34.0")
    assert "networkPolicies.kubernetesApi.cidrs is empty" in str(refused.value)
    for where in ("objectStore", "postgres"):
        assert f"{where}.cidrs and {where}.peers are both empty" in str(refused.value)


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_where_it_counts_nothing_is_for_trying_out(environment: str) -> None:
    own = {"postgres": {"existingSecret": ""}, "objectStore": {"uri": "", "existingSecret": ""}}
    assert problems(merged(own, TRYING_OUT), environment=environment) == [
        f"environment={environment} with an embedded Postgres or object store, which are for trying out: name your own"
    ]
    assert problems({"airflow": {"existingSecret": ""}}, environment=environment) == [
        f"environment={environment} needs airflow.existingSecret: keys of its own that no installation can lose"
    ]
    assert problems({"studies": {"existingSecret": ""}}, environment=environment) == [
        f"environment={environment} needs studies.existingSecret: a token of its own that no installation can lose"
    ]
    without = {"studies": {"existingSecret": "", "enabled": False}, "tune": False}
    assert render(environment, values=without).objects


@pytest.mark.parametrize(
    "option",
    [
        "core.dags_folder",
        "core.plugins_folder",
        "core.hostname_callable",
        "core.execution_api_server_url",
        "logging.logging_config_class",
        "workers.min_heartbeat_interval",
        "scheduler.enable_health_check",
        "core.hostname_callable_cmd",
    ],
)
def test_what_the_chart_sets_for_airflow_cannot_be_set_beside_it(option: str) -> None:
    section, _, name = option.partition(".")
    assert problems({"airflow": {"config": {section: {name: "other"}}}}) == [
        f"airflow.config.{option} is the chart's own: leave it out, because Fleetcast needs it as it is"
    ]


def test_what_only_trades_time_for_room_may_be_set_beside_the_chart() -> None:
    own = {"core": {"max_active_tasks_per_dag": 128}, "logging": {"logging_config_class": "own.LOGGING"}}
    values = merged(TRYING_OUT, {"airflow": {"config": own, "logsInStore": False}})
    data = render(values=values).one("ConfigMap", f"{NAME}-airflow")["data"]
    assert data["AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG"] == "128"
    assert data["AIRFLOW__LOGGING__LOGGING_CONFIG_CLASS"] == "own.LOGGING"


def test_all_contradictions_are_said_at_once() -> None:
    assert len(problems({"preset": "huge", "mlflow": {"enabled": False}, "airflow": {"users": []}})) == 3


@pytest.mark.parametrize("preset", preset_names())
def test_the_longest_list_of_shards_that_is_allowed_is_the_presets_number_of_variants(preset: str) -> None:
    n_variants = len(load_preset(preset).variants())
    fits = {"preset": preset, "variantsPerPod": 1, "airflow": {"maxMapLength": n_variants}}
    assert render(values=merged(TRYING_OUT, fits)).objects
    too_long = merged(fits, {"airflow": {"maxMapLength": n_variants - 1}})
    assert problems(too_long)[0].startswith(f"variantsPerPod=1 makes {n_variants} shards of the preset {preset}, and")


def test_a_quota_that_holds_all_pods_is_taken() -> None:
    exact = {"requests.cpu": 88, "limits.memory": "192Gi", "count/pods": "44", "secrets": 5}
    assert render(values=merged(TRYING_OUT, {"resourceQuota": {"hard": exact}})).objects


def test_a_quota_may_be_said_in_thousands() -> None:
    assert render(values=merged(TRYING_OUT, {"resourceQuota": {"hard": {"pods": "1k"}}})).objects


def test_a_training_namespace_that_would_be_too_long_is_refused() -> None:
    long = "n" * 55
    with pytest.raises(RefusedError, match=f"namespace {long}-training has 64 characters, and Kubernetes allows 63"):
        render(values=TRYING_OUT, flags=("--namespace", long))


def test_gpus_are_computed_on_where_the_pool_has_them() -> None:
    values = {"lightgbmDevice": "gpu", "nodePools": {"gpu": {"gpu": 1}}, "jobPools": {"train-variants": "gpu"}}
    assert render(values=merged(TRYING_OUT, values)).objects


def test_what_an_airflow_elsewhere_decides_is_not_asked_here() -> None:
    values = {
        "airflow": {"enabled": False, "users": [], "triggerer": {"capacity": 1}},
        "postgres": {"embedded": {"enabled": False}},
        "mlflow": {"backend": "sqlite"},
    }
    assert render(values=merged(TRYING_OUT, values)).objects


DATABASE_URLS = ("AIRFLOW_DATABASE_URL", "MLFLOW_DATABASE_URL", "OPTUNA_DATABASE_URL")
PLATFORM = [
    namespace(NAMESPACE),
    namespace("fleetcast-training"),
    secret("fleetcast-airflow", "fernet-key", "jwt-secret", "api-secret-key", "passwords.json", namespace=NAMESPACE),
    secret("fleetcast-postgres", *DATABASE_URLS, namespace=NAMESPACE),
    secret("fleetcast-studies", "FLEETCAST_STUDIES_TOKEN", namespace=NAMESPACE),
    secret("fleetcast-studies", "FLEETCAST_STUDIES_TOKEN", namespace="fleetcast-training"),
    secret("fleetcast-object-store", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", namespace=NAMESPACE),
    secret("fleetcast-object-store", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", namespace="fleetcast-training"),
]


def without(name: str, *, namespace: str) -> list[dict[str, Any]]:
    return [
        found
        for found in PLATFORM
        if (found["metadata"]["name"], found["metadata"].get("namespace")) != (name, namespace)
    ]


def test_what_the_platform_made_is_found() -> None:
    with kubernetes_api(PLATFORM) as flags:
        assert render("production", flags=flags).objects


@pytest.mark.parametrize(
    ("name", "namespace", "problem"),
    [
        (
            "fleetcast-airflow",
            NAMESPACE,
            "airflow.existingSecret=fleetcast-airflow: there is no such Secret in the namespace mlops: create it with "
            "fernet-key, jwt-secret, api-secret-key, passwords.json",
        ),
        (
            "fleetcast-postgres",
            NAMESPACE,
            "postgres.existingSecret=fleetcast-postgres: there is no such Secret in the namespace mlops: create it "
            "with AIRFLOW_DATABASE_URL, MLFLOW_DATABASE_URL, OPTUNA_DATABASE_URL",
        ),
        (
            "fleetcast-object-store",
            "fleetcast-training",
            "objectStore.existingSecret=fleetcast-object-store: there is no such Secret in the namespace "
            "fleetcast-training: create it with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY",
        ),
        (
            "fleetcast-studies",
            "fleetcast-training",
            "studies.existingSecret=fleetcast-studies: there is no such Secret in the namespace fleetcast-training: "
            "create it with FLEETCAST_STUDIES_TOKEN",
        ),
    ],
)
def test_a_secret_that_is_not_there_is_said_before_anything_is_installed(
    name: str, namespace: str, problem: str
) -> None:
    assert problems({}, environment="production", objects=without(name, namespace=namespace)) == [problem]


def test_a_key_that_a_secret_lacks_is_named() -> None:
    half = secret("fleetcast-postgres", "AIRFLOW_DATABASE_URL", namespace=NAMESPACE)
    objects = [*without("fleetcast-postgres", namespace=NAMESPACE), half]
    missing = "postgres.existingSecret=fleetcast-postgres: this Secret in the namespace mlops has no key"
    assert problems({}, environment="production", objects=objects) == [
        f"{missing} MLFLOW_DATABASE_URL: add it",
        f"{missing} OPTUNA_DATABASE_URL: add it",
    ]
    stage_1_alone = {"studies": {"enabled": False}, "tune": False}
    assert problems(stage_1_alone, environment="production", objects=objects) == [
        f"{missing} MLFLOW_DATABASE_URL: add it"
    ]


def test_a_pull_secret_is_needed_in_both_namespaces() -> None:
    values = {"images": {"pullSecrets": ["registry"]}}
    found = problems(values, objects=[namespace(NAMESPACE), namespace(TRAINING, release="fleet")])
    assert [re.findall("in the namespace ([a-z-]+):", line) for line in found] == [[NAMESPACE], [TRAINING]]


def test_a_training_namespace_that_the_platform_should_have_made_is_missed() -> None:
    objects = [found for found in PLATFORM if found["metadata"]["name"] != "fleetcast-training"]
    assert problems({}, environment="production", objects=objects) == [
        "trainingNamespace.create=false, and there is no namespace fleetcast-training: create it, or set "
        "trainingNamespace.create=true"
    ]


def test_a_training_namespace_that_is_another_s_is_not_taken() -> None:
    mine, another = namespace(TRAINING, release="fleet"), namespace(TRAINING)
    with kubernetes_api([namespace(NAMESPACE), mine]) as flags:
        assert render(values=TRYING_OUT, flags=flags).objects
    assert problems({}, objects=[namespace(NAMESPACE), another]) == [
        "the namespace mlops-training exists already, so the release cannot make it: set "
        "trainingNamespace.create=false or choose another trainingNamespace.name"
    ]
