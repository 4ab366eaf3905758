"""Who may talk to whom: each flow that is needed is listed here, and every other one must be denied.

No cluster of the tests enforces network policies, so a small evaluator reads the rendered ones as Kubernetes defines
them: a pod that a policy selects may do what any of its policies allows, and a pod that none selects may do anything.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from fleetcast.job_args.fleet import LogRuns
from fleetcast.job_args.sequence import RegisterCnnLstm, RegisterConvlstm, TuneCnnLstm, TuneConvlstm
from fleetcast.job_args.tuning import CloseTuning, PlanFamilyTuning, PlanTuning, RegisterModels, RunTrials
from fleetcast.orchestration.commands import JOBS as TASKS
from rendered_chart import NAMESPACE, TRAINING, Rendered, component_of, render

Rule = Mapping[str, Any]
Flow = tuple[str, str, int]
KUBERNETES, DATABASE, STORE, ELSEWHERE = "10.96.0.1", "10.1.0.5", "10.2.3.4", "203.0.113.7"
PORTS = (22, 53, 443, 4318, 5000, 5432, 6443, 7070, 8080, 8090, 8793, 8794, 8974)
TUNING = [job.command for job in (PlanTuning, PlanFamilyTuning, RunTrials, CloseTuning, TuneConvlstm, TuneCnnLstm)]
LOGGING = [job.command for job in (LogRuns, RegisterModels, RegisterConvlstm, RegisterCnnLstm)]
JOBS = sorted(TASKS)
NARROW = {"networkPolicies": {"kubernetesApi": {"cidrs": [f"{KUBERNETES}/32"]}}}
OWN_SERVICES = {
    "postgres": {"cidrs": [f"{DATABASE}/32"]},
    "objectStore": {"cidrs": ["10.2.0.0/16"]},
    "networkPolicies": {
        "kubernetesApi": {"cidrs": [f"{KUBERNETES}/32"]},
        "webClients": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}],
    },
}


@dataclass(frozen=True)
class End:
    """A pod, or an address that is no pod's."""

    name: str
    namespace: str = ""
    labels: Mapping[str, str] | None = None
    address: str = ""


def ends(rendered: Rendered, *, training: str = TRAINING) -> list[End]:
    """Every pod of the release, every job's pod, and strangers of each kind."""
    pods = {
        component_of(workload): End(
            component_of(workload), NAMESPACE, workload["spec"]["template"]["metadata"]["labels"]
        )
        for workload in rendered.workloads()
    }
    job = {"app.kubernetes.io/name": "fleetcast", "app.kubernetes.io/instance": f"{NAMESPACE}.fleet"}
    return [
        *pods.values(),
        *(End(name, training, job | {"app.kubernetes.io/component": name}) for name in JOBS),
        End("unlisted", NAMESPACE, {"app.kubernetes.io/name": "fleetcast", "app.kubernetes.io/instance": "fleet"}),
        End("another release's job", training, job | {"app.kubernetes.io/instance": f"{NAMESPACE}.other"}),
        End("neighbour", NAMESPACE, {"app": "notebook"}),
        End("stranger", "default", {"app.kubernetes.io/name": "fleetcast", "app.kubernetes.io/instance": "fleet"}),
        End("dns", "kube-system", {"k8s-app": "kube-dns"}),
        End("collector", "monitoring", {"app": "otel-collector"}),
        End("ingress controller", "ingress-nginx", {"app": "nginx"}),
        *(End(address, address=address) for address in (KUBERNETES, DATABASE, STORE, ELSEWHERE)),
    ]


class Policies:
    """The rendered policies, asked about one connection at a time."""

    def __init__(self, rendered: Rendered) -> None:
        self._policies = rendered.all("NetworkPolicy")

    def allow(self, source: End, destination: End, port: int, *, protocol: str = "TCP") -> bool:
        leaves = self._allows(source, "Egress", destination, port, protocol)
        return leaves and self._allows(destination, "Ingress", source, port, protocol)

    def _allows(self, pod: End, direction: str, other: End, port: int, protocol: str) -> bool:
        mine = [
            policy["spec"]
            for policy in self._policies
            if policy["metadata"]["namespace"] == pod.namespace
            and direction in policy["spec"]["policyTypes"]
            and pod.labels is not None
            and selects(policy["spec"]["podSelector"], pod.labels)
        ]
        rules = [rule for spec in mine for rule in spec.get(direction.lower()) or []]
        side = "to" if direction == "Egress" else "from"
        return not mine or any(matches(rule, side, other, port, protocol) for rule in rules)


def matches(rule: Rule, side: str, other: End, port: int, protocol: str) -> bool:
    assert set(rule) <= {side, "ports"}, rule
    peers, ports = rule.get(side) or [], rule.get("ports") or []
    return (not peers or any(is_peer(peer, other) for peer in peers)) and (
        not ports or {"protocol": protocol, "port": port} in ports
    )


def is_peer(peer: Rule, other: End) -> bool:
    assert set(peer) <= {"namespaceSelector", "podSelector"} or set(peer) == {"ipBlock"}, peer
    if "ipBlock" in peer:
        return bool(other.address) and ip_address(other.address) in ip_network(peer["ipBlock"]["cidr"])
    namespace = {"kubernetes.io/metadata.name": other.namespace}
    return (
        other.labels is not None
        and selects(peer["namespaceSelector"], namespace)
        and selects(peer.get("podSelector", {}), other.labels)
    )


def selects(selector: Rule, labels: Mapping[str, str]) -> bool:
    assert set(selector) <= {"matchLabels", "matchExpressions"}, selector
    expressions = selector.get("matchExpressions", [])
    assert all(expression["operator"] == "In" for expression in expressions), selector
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(expression["key"]) in expression["values"] for expression in expressions
    )


def flows(rendered: Rendered, *, training: str = TRAINING) -> Iterator[Flow]:
    """Every connection from or to a pod of ours that the policies allow."""
    everybody = ends(rendered, training=training)
    policies, ours = Policies(rendered), {component_of(w) for w in rendered.workloads()} | set(JOBS) | {"unlisted"}
    for source, destination in itertools.permutations(everybody, 2):
        if source.labels is None or not {source.name, destination.name} & ours:
            continue
        for port in PORTS:
            if policies.allow(source, destination, port):
                yield source.name, destination.name, port


def each(sources: Iterator[str] | list[str], *targets: tuple[str, int]) -> set[Flow]:
    return {(source, *target) for source in sources for target in targets}


AIRFLOW = ["api-server", "dag-processor", "scheduler", "triggerer"]
ALL_WAYS = (
    each([*AIRFLOW, "migration", "mlflow", "studies", *JOBS], ("dns", 53))
    | each(["scheduler", "triggerer"], (KUBERNETES, 443), (KUBERNETES, 6443))
    | each(["scheduler"], ("api-server", 8080))
    | each(["api-server"], ("scheduler", 8793), ("triggerer", 8794))
    | each(LOGGING, ("mlflow", 5000))
    | each(TUNING, ("studies", 8090))
)


def test_with_embedded_servers_each_flow_that_is_needed_is_allowed_and_no_other() -> None:
    assert set(flows(render("local-integration", values=NARROW))) == (
        ALL_WAYS
        | each([*AIRFLOW, "migration", "mlflow", "studies"], ("postgres", 5432))
        | each(["api-server", "scheduler", "triggerer", "mlflow", *JOBS], ("object-store", 7070))
    )


def test_with_services_of_ones_own_each_flow_that_is_needed_is_allowed_and_no_other() -> None:
    rendered = render("production", values=OWN_SERVICES)
    assert set(flows(rendered, training="fleetcast-training")) == (
        ALL_WAYS
        | each([*AIRFLOW, "migration", "mlflow", "studies"], (DATABASE, 5432))
        | each(["api-server", "scheduler", "triggerer", "mlflow", *JOBS], (STORE, 443))
        | each(AIRFLOW, ("collector", 4318))
        | each(["ingress controller"], ("api-server", 8080), ("mlflow", 5000))
    )


def test_an_mlflow_elsewhere_is_reached_by_the_jobs_that_write_to_it_alone() -> None:
    elsewhere = {"trackingUri": "https://mlflow.example.org", "cidrs": [f"{ELSEWHERE}/32"], "peers": []}
    rendered = render("central-dev", values=OWN_SERVICES | {"mlflow": elsewhere})
    allowed = flows(rendered, training="fleetcast-training")
    assert {flow for flow in allowed if ELSEWHERE in flow} == each(LOGGING, (ELSEWHERE, 443))


def test_without_a_study_service_no_job_leaves_by_its_port() -> None:
    rendered = render("local-integration", values={"studies": {"enabled": False}})
    assert [flow for flow in flows(rendered) if flow[2] == 8090] == []


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_names_are_looked_up_by_both_protocols(protocol: str) -> None:
    rendered = render("local-integration")
    by_name = {end.name: end for end in ends(rendered)}
    assert Policies(rendered).allow(by_name["train-variants"], by_name["dns"], 53, protocol=protocol)
    assert not Policies(rendered).allow(by_name["postgres"], by_name["dns"], 53, protocol=protocol)


def test_an_airflow_of_ones_own_reaches_an_embedded_store() -> None:
    values = {"airflow": {"enabled": False}, "externalAirflow": {"namespace": "airflow"}}
    rendered = render("local-integration", values=values)
    store = next(end for end in ends(rendered) if end.name == "object-store")
    airflow = End("scheduler", "airflow", {"tier": "airflow", "component": "scheduler"})
    assert Policies(rendered).allow(airflow, store, 7070)
    assert not Policies(rendered).allow(airflow, store, 22)
    assert not Policies(rendered).allow(End("other", "airflow", {"tier": "web"}), store, 7070)


def test_without_policies_everybody_may_do_anything() -> None:
    open_house = set(flows(render("local-integration", values={"networkPolicies": {"enabled": False}})))
    assert ("stranger", "postgres", 22) in open_house
    assert ("train-variants", ELSEWHERE, 443) in open_house


def test_an_empty_list_of_peers_would_be_everybody() -> None:
    assert matches({"to": [], "ports": []}, "to", End("a", address=ELSEWHERE), 22, "TCP")
    assert not matches({"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}, "to", End("a", address=ELSEWHERE), 22, "TCP")
