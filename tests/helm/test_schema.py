import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from fleetcast.orchestration.commands import JOBS
from rendered_chart import CHART, TRYING_OUT, RefusedError, render

DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
# Maps whose keys are the user's own.
OPEN = {
    "airflow.ingress.annotations",
    "airflow.serviceAccount.annotations",
    "externalAirflow.podLabels",
    "mlflow.serviceAccount.annotations",
    "nodePools.default.selector",
    "trainingNamespace.serviceAccount.annotations",
}
# Those that also say what a key may look like.
HALF_OPEN = {"airflow.config", "nodePools", "resourceQuota.hard"}
# A value, its place and what is wrong with it.
WRONG = [
    ("environment", "prod", "value must be one of 'local-dev'"),
    ("images.pullPolicy", "always", "value must be one of 'Always'"),
    ("images.trainer.digest", "sha256:1", "does not match pattern"),
    ("images.pullSecrets", "registry", "got string, want array"),
    ("trainingNamespace.name", "Training", "does not match pattern"),
    ("postgres.port", "5432", "got string, want integer"),
    ("postgres.cidrs", ["10.0.0.1"], "does not match pattern"),
    ("postgres.peers", [{}], "minProperties: got 0, want 1"),
    ("objectStore.uri", "https://bucket", "does not match pattern"),
    ("objectStore.endpointUrl", "minio:9000", "does not match pattern"),
    ("objectStore.peers", [{"namespaceSelector": {"matchlabels": {}}}], "additional properties 'matchlabels'"),
    ("objectStore.peers", [{"ipBlock": {"except": []}}], "missing property 'cidr'"),
    ("airflow.users", [{"name": "admin", "role": "root"}], "value must be one of 'viewer'"),
    ("airflow.users", [{"name": "admin"}], "missing property 'role'"),
    ("airflow.parallelism", 0, "minimum: got 0, want 1"),
    ("airflow.config", {"core": {"Parallelism": 3}}, "additional properties 'Parallelism'"),
    ("airflow.config", {"core": {"plugins": ["a"]}}, "got array, want boolean or number or string"),
    ("airflow.apiServer.resources", {"requests": {"cpus": "1"}}, "additional properties 'cpus'"),
    ("airflow.scheduler.resources", {"limits": {"memory": "4 GB"}}, "does not match pattern"),
    ("airflow.ingress.host", "Airflow.example.org", "does not match pattern"),
    ("externalAirflow.schedulerServiceAccount", "", "does not match pattern"),
    ("mlflow.backend", "mysql", "value must be one of 'postgres'"),
    ("mlflow.replicas", 0, "minimum: got 0, want 1"),
    ("studies.enabled", "yes", "got string, want "),
    ("tune", "yes", "got string, want boolean"),
    ("nodePools", {"Training": {}}, "additional properties 'Training'"),
    ("nodePools.default.maxPods", 0, "minimum: got 0, want 1"),
    ("nodePools.default", {"maxPods": None}, "missing property 'maxPods'"),
    ("nodePools.default.gpu", -1, "minimum: got -1, want 0"),
    ("nodePools.default.resources", {"limits": {"cpu": "500m"}}, "does not match pattern"),
    ("nodePools.default.selector", {"zone": 3}, "got number, want string"),
    ("nodePools.default.selector", {"a zone": "b"}, "additional properties 'a zone' not allowed"),
    ("nodePools.default.selector", {"zone": "b c"}, "does not match pattern"),
    ("postgres.cidrs", ["10.0.0.0/33"], "does not match pattern"),
    ("postgres.cidrs", ["256.0.0.0/8"], "does not match pattern"),
    ("postgres.cidrs", ["fd00::/129"], "does not match pattern"),
    ("nodePools.default.tolerations", [{"key": "gpu", "effect": "noschedule"}], "value must be one of 'NoSchedule'"),
    ("nodePools.default.scheduleTimeoutSeconds", "1h", "got string, want integer"),
    ("jobPools", {"train_variants": "training"}, "additional properties 'train_variants'"),
    ("lightgbmDevice", "cuda", "value must be one of 'cpu', 'gpu'"),
    ("variantsPerPod", 0, "minimum: got 0, want 1"),
    ("pollSeconds", 0, "minimum: got 0, want 1"),
    ("resourceQuota.hard", {"pods": "many"}, "does not match pattern"),
    ("resourceQuota.hard", {"gpus": 3}, "additional properties 'gpus'"),
    ("priorityClasses.services", 2_000_000_000, "maximum: got"),
    ("networkPolicies.webClients", [{"namespace": "ingress"}], "additional properties 'namespace'"),
]


def mappings(values: Any, path: str = "") -> Iterator[str]:
    """Every mapping whose keys are the chart's, as a dotted path."""
    if isinstance(values, dict) and path not in OPEN | HALF_OPEN | {"jobPools"}:
        yield path
    if isinstance(values, dict) and path not in OPEN:
        for key, value in values.items():
            yield from mappings(value, f"{path}.{key}".strip("."))


def with_value(path: str, value: Any) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(TRYING_OUT))
    place = values
    *above, last = path.split(".")
    for key in above:
        place = place.setdefault(key, {})
    place[last] = value
    return values


def place(path: str) -> str:
    return re.escape("at '" + "".join(f"/{key}" for key in path.split(".") if key))


def test_the_defaults_need_nothing_but_a_database_and_a_store() -> None:
    assert render(values=TRYING_OUT).objects


@pytest.mark.parametrize("path", [*mappings(DEFAULTS)])
def test_an_unknown_key_is_refused_everywhere(path: str) -> None:
    with pytest.raises(RefusedError, match=place(path) + "': additional properties 'typo' not allowed"):
        render(values=with_value(f"{path}.typo".strip("."), "x"))


@pytest.mark.parametrize("path", [path for path in mappings(DEFAULTS) if path and "." not in path])
def test_a_mistyped_section_is_refused(path: str) -> None:
    with pytest.raises(RefusedError, match=place(path) + "': got string, want object"):
        render(values=with_value(path, "text"))


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "10.96.0.1/32", "::/0", "fd00:10:96::/112", "2001:db8::1/128"])
def test_an_address_range_of_either_kind_is_taken(cidr: str) -> None:
    assert render(values=with_value("networkPolicies.kubernetesApi.cidrs", [cidr])).objects


# All that a template reads without asking whether it is there; a container may go without requests or limits.
NEEDED = [path for path in mappings(DEFAULTS) if path and not re.search(r"^nodePools\.|\.(requests|limits)$", path)]


@pytest.mark.parametrize("path", NEEDED)
def test_a_section_that_is_set_to_null_is_missed(path: str) -> None:
    above, _, last = path.rpartition(".")
    with pytest.raises(RefusedError, match=f"{place(above)}': missing propert.*'{last}'"):
        render(values=with_value(path, None))


@pytest.mark.parametrize("path", ["variantsPerPod", "tune", "preset", "pollSeconds", "nodePools", "postgres.port"])
def test_a_value_that_is_set_to_null_is_missed(path: str) -> None:
    above, _, last = path.rpartition(".")
    with pytest.raises(RefusedError, match=f"{place(above)}': missing propert.*'{last}'"):
        render(values=with_value(path, None))


@pytest.mark.parametrize(("path", "value", "problem"), WRONG, ids=[f"{path}={value}" for path, value, _ in WRONG])
def test_a_wrong_value_is_refused_with_its_place(path: str, value: Any, problem: str) -> None:
    with pytest.raises(RefusedError, match=f"{place(path)}.*{re.escape(problem)}"):
        render(values=with_value(path, value))


def test_the_schema_describes_every_default_and_nothing_else() -> None:
    def properties(schema: dict[str, Any]) -> dict[str, Any]:
        for part in (schema, *schema.get("allOf", [])):
            target = SCHEMA["$defs"][part["$ref"].removeprefix("#/$defs/")] if "$ref" in part else part
            if "properties" in target:
                return dict(target["properties"])
        return {}

    def compare(values: dict[str, Any], schema: dict[str, Any], path: str) -> None:
        known = properties(schema)
        described = {key for key in known if key != "global"}  # Helm's own, of charts within charts
        # A pool may say less than `default`, and amounts may name less than all.
        complete = not path.startswith("nodePools") and not path.endswith(("requests", "limits", ".max"))
        assert set(values) == described or (not complete and set(values) <= described), path
        for key, value in values.items():
            below = f"{path}.{key}".strip(".")
            if isinstance(value, dict) and below not in OPEN | HALF_OPEN | {"jobPools"}:
                compare(value, known[key], below)

    compare(DEFAULTS, SCHEMA, "")
    compare(DEFAULTS["nodePools"]["training"], SCHEMA["$defs"]["nodePool"], "nodePools.training")


def test_the_jobs_that_may_have_a_pool_are_those_that_the_code_has() -> None:
    assert set(SCHEMA["properties"]["jobPools"]["properties"]) == set(JOBS)


def test_every_value_has_a_comment() -> None:
    lines = (CHART / "values.yaml").read_text().splitlines()
    keys = [(number, line) for number, line in enumerate(lines) if re.match(r"\s*\w+:", line)]
    bare = [line.strip() for number, line in keys if not lines[number - 1].strip().startswith("#")]
    assert [line for line in bare if not re.match("(resources|requests|limits|podSelector):", line)] == []
