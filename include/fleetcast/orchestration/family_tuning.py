"""The light step of ``tune_family``: from a person's wish to the command lines of its jobs."""

from collections.abc import Mapping
from typing import Any

from fleetcast.errors import ConfigurationError
from fleetcast.job_args import fleet, tuning
from fleetcast.job_args.run_key import digest_of
from fleetcast.orchestration.parameters import FamilyParameters
from fleetcast.orchestration.planning import check_study_service, failing_at_once
from fleetcast.settings import read_settings
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store

STAGE = 3  # whose folds the study is scored on


def plan_family(context: Mapping[str, Any]) -> list[int]:
    """Checks what was asked for; returns the workers to map over. The command lines are in XComs, by command.

    Raises:
        AirflowFailException: the run or the family does not exist, or there is no study service; a retry cannot help.
    """
    with failing_at_once():
        parameters = FamilyParameters.model_validate(dict(context["params"]))
        check_study_service()
        shared = read_run(Store(read_settings().store), parameters.run_key)
        shared.check_family(parameters.family)
        shared.check_run_key()
        jobs = plan_jobs(shared, parameters, asked_by=context["dag_run"].run_id)
    for job in jobs:
        context["ti"].xcom_push(key=job.command, value=job.to_argv())
    return list(range(parameters.workers))


def read_run(store: Store, run_key: str) -> fleet.FleetJobArgs:
    """What the jobs of a planned run share.

    Raises:
        ConfigurationError: there is no such run, or its stage 1 is not done.
    """
    run = RunFolder(store, run_key)
    plan, bests = run.stage("plan").committed(), run.stage("family_bests").committed()
    if plan is None or bests is None:
        state = "there is no such run" if plan is None else "its stage 1 is not done"
        raise ConfigurationError(
            f"cannot tune a family of run {run_key!r} in {store.uri}: {state}; `fleetcast status` lists the runs"
        )
    own = set(fleet.FleetJobArgs.model_fields) - {"store", "run_key"}
    facts = {name: value for name, value in plan.facts.items() if name in own}
    return fleet.FleetJobArgs(**facts, store=store.uri, run_key=run_key)


def plan_jobs(shared: fleet.FleetJobArgs, parameters: FamilyParameters, *, asked_by: str) -> list[fleet.FleetJobArgs]:
    """The arguments of the three jobs.

    Args:
        shared: the run's.
        parameters: what was asked for.
        asked_by: the DAG run, whose study is found again by its retries and is no other DAG run's.
    """
    by_hand = f"{parameters.family}-{digest_of([asked_by, parameters.model_dump(mode='json')])[:8]}"
    return [
        shared.for_job(
            tuning.PlanFamilyTuning,
            by_hand=by_hand,
            family_id=parameters.family,
            n_trials=parameters.trials,
            space=parameters.space,
        ),
        shared.for_job(
            tuning.RunTrials,
            stage=STAGE,
            by_hand=by_hand,
            shard=0,
            studies_per_pod=1,
            time_limit_seconds=parameters.timeout_seconds,
        ),
        shared.for_job(tuning.CloseTuning, stage=STAGE, by_hand=by_hand),
    ]
