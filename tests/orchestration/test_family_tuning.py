from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.job_args.tuning import CloseTuning, PlanFamilyTuning, RunTrials
from fleetcast.orchestration.commands import read_arguments
from fleetcast.orchestration.family_tuning import plan_family
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store

MakeContext = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def studies(monkeypatch: pytest.MonkeyPatch) -> None:
    """A study service for processes."""
    monkeypatch.setenv("FLEETCAST_RUNTIME", "process")
    monkeypatch.setenv("FLEETCAST_STUDIES_URL", "http://studies:8090")
    monkeypatch.setenv("FLEETCAST_STUDIES_TOKEN", "a token")


@pytest.fixture
def planned(shared: FleetJobArgs) -> RunFolder:
    """A run whose stage 1 is not done yet."""
    run = RunFolder(Store(shared.store), shared.run_key)
    facts = {"preset": "micro", "n_variants": 8, "dag_run_id": "r"}
    run.stage("plan").commit(facts=shared.model_dump(mode="json", exclude={"store"}) | facts)
    return run


@pytest.fixture
def asked(make_context: MakeContext, planned: RunFolder) -> MakeContext:
    """Makes what Airflow hands to the plan of one family's tuning, in a run whose stage 1 is done."""
    planned.stage("family_bests").commit()

    def make(*, run_id: str = "manual__1", **params: Any) -> dict[str, Any]:
        asked_for = {"run_key": planned.run_key, "family": "btc-w5-low", "trials": 9, "workers": 3, **params}
        return make_context(run_id=run_id) | {"params": asked_for}

    return make


def test_the_jobs_are_of_the_runs_own_arguments_and_of_the_family(asked: MakeContext, shared: FleetJobArgs) -> None:
    context = asked(space="listed", timeout_seconds=30)
    assert plan_family(context) == [0, 1, 2]
    plan, trials, closing = (read_arguments(argv) for argv in context["ti"].xcoms.values())
    assert isinstance(plan, PlanFamilyTuning)
    assert isinstance(trials, RunTrials)
    assert isinstance(closing, CloseTuning)
    assert (plan.family_id, plan.n_trials, plan.space) == ("btc-w5-low", 9, "listed")
    assert (trials.stage, trials.time_limit_seconds, trials.studies_per_pod) == (3, 30, 1)
    assert plan.by_hand == trials.by_hand == closing.by_hand
    for args in (plan, trials, closing):
        assert args.model_dump(include=set(FleetJobArgs.model_fields)) == shared.model_dump()
        args.check_run_key()


def test_a_retry_finds_its_study_again_and_another_run_has_another(asked: MakeContext) -> None:
    names = []
    for context in (asked(), asked(), asked(run_id="manual__2"), asked(trials=10)):
        plan_family(context)
        names.append(read_arguments(context["ti"].xcoms["close-tuning"]).by_hand)  # type: ignore[attr-defined]
    assert names[0] == names[1]
    assert len(set(names)) == 3


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"family": "btc-w5-lo"}, "no family 'btc-w5-lo' in this run: the nearest of its 2 is 'btc-w5-low'"),
        ({"trials": 0}, r"trials: Input should be greater than or equal to 1 \(got 0\)"),
        ({"run_key": "0" * 20}, "cannot tune a family of run '0{20}' in file:.*: there is no such run; `fleetcast"),
        ({"run_key": "latest"}, "run_key: String should match pattern"),
    ],
)
def test_what_cannot_be_tuned_is_one_line_and_final(asked: MakeContext, params: dict[str, Any], message: str) -> None:
    context = asked(**params)
    with pytest.raises(AirflowFailException, match=message) as raised:
        plan_family(context)
    assert "\n" not in str(raised.value)
    assert context["ti"].xcoms == {}


def test_a_run_must_have_finished_stage_1(make_context: MakeContext, planned: RunFolder) -> None:
    context = make_context() | {"params": {"run_key": planned.run_key, "family": "btc-w5-low"}}
    with pytest.raises(AirflowFailException, match="its stage 1 is not done"):
        plan_family(context)


def test_a_run_of_other_code_is_not_tuned_by_this(make_context: MakeContext, shared: FleetJobArgs) -> None:
    other = RunFolder(Store(shared.store), "f" * 20)
    other.stage("plan").commit(facts=shared.model_dump(mode="json", exclude={"store"}))
    other.stage("family_bests").commit()
    context = make_context() | {"params": {"run_key": other.run_key, "family": "btc-w5-low"}}
    with pytest.raises(AirflowFailException, match="was planned for other arguments or other code"):
        plan_family(context)


def test_without_a_study_service_nothing_is_planned(asked: MakeContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_STUDIES_TOKEN", "")
    with pytest.raises(AirflowFailException, match="the jobs have no FLEETCAST_STUDIES_TOKEN"):
        plan_family(asked())
