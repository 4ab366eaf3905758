"""The light steps inside Airflow: the first job's arguments, and the plan that holds everybody else's."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException
from pydantic import ValidationError

from fleetcast.errors import ConfigurationError, FleetcastError
from fleetcast.fleet.presets import Preset
from fleetcast.job_args import fleet, tuning
from fleetcast.job_args.base import JobArgs, describe_validation_error
from fleetcast.job_args.run_key import digest_of
from fleetcast.orchestration.parameters import FleetParameters, requested_cutoff
from fleetcast.settings import missing_for_studies, read_settings
from fleetcast.store.manifests import Manifest, RunFolder, name_request, request_folder
from fleetcast.store.objects import Store

TUNED_STAGES = (2, 3, 4)


def snapshot_arguments(context: Mapping[str, Any], jinja_env: Any = None) -> list[str]:
    """The command line of the first job. Airflow calls it when it renders the task, before any pod exists.

    Raises:
        AirflowFailException: a parameter is wrong; a retry cannot help.
    """
    with failing_at_once():
        parameters = FleetParameters.model_validate(dict(context["params"]))
        preset = parameters.load_preset()
        return fleet.TakeSnapshot(
            store=read_settings().store,
            request=request_name(context),
            bars=parameters.bars,
            symbols=preset.symbols,
            cutoff=requested_cutoff(parameters, context),
            last_bars=preset.last_bars,
            window_bars=preset.window_bars,
            horizon_bars=preset.horizon_bars,
        ).to_argv()


def plan_run(context: Mapping[str, Any]) -> list[int]:
    """Checks and stores the whole run's plan; returns the shards to map over.

    The other tasks find their command lines in XComs named by `xcom_key`, and ``run_key`` beside them.

    Raises:
        AirflowFailException: a parameter is wrong, or a run that tunes has no study service; a retry cannot help.
    """
    with failing_at_once():
        settings = read_settings()
        parameters = FleetParameters.model_validate(dict(context["params"]))
        preset = parameters.load_preset()
        n_shards = preset.n_shards(variants_per_pod=parameters.variants_per_pod)
        check_n_shards(n_shards, limit=conf.getint("core", "max_map_length"))
        if parameters.tune:
            check_study_service()
        store = Store(settings.store)
        snapshot = request_folder(store, request_name(context)).require()
        shared = shared_arguments(
            preset,
            snapshot,
            seed=parameters.seed,
            store_uri=settings.store,
            lightgbm_device=settings.lightgbm_device,
            of_tuning=parameters.tuning(),
        )
        jobs = plan_jobs(shared, parameters, dag_run_id=context["dag_run"].run_id)
        run = RunFolder(store, shared.run_key)
        run.delete_end()
        run.stage("plan").commit(
            inputs={"snapshot": digest_of(snapshot.facts["dataset_rev"])},
            facts=shared.model_dump(mode="json", exclude={"store"})
            | {
                "dag_run_id": context["dag_run"].run_id,
                "preset": parameters.preset,
                "n_variants": len(preset.variants()),
                "n_shards": n_shards,
            },
        )
    context["ti"].xcom_push(key="run_key", value=shared.run_key)
    for job in jobs:
        context["ti"].xcom_push(key=xcom_key(type(job), getattr(job, "stage", None)), value=job.to_argv())
    return list(range(n_shards))


def family_shards(context: Mapping[str, Any]) -> list[int]:
    """The shards of families that a run tunes; none for one that ends after stage 1."""
    parameters = FleetParameters.model_validate(dict(context["params"]))
    n_families = len(parameters.load_preset().families())
    return list(range(-(-n_families // parameters.families_per_pod))) if parameters.tune else []


def xcom_key(job: type[JobArgs], stage: int | None = None) -> str:
    """Under which `plan_run` leaves a job's command line."""
    return job.command if stage is None else f"{job.command}-{stage}"


def close_run(context: Mapping[str, Any]) -> None:
    """Notes a run that is over without its report, so that `log-runs` does not wait for one.

    Raises:
        AirflowFailException: there is no report; a retry cannot help.
    """
    run_key = context["ti"].xcom_pull(task_ids="plan", key="run_key")
    if run_key is None:
        return
    run = RunFolder(Store(read_settings().store), run_key)
    if run.stage("report").committed() is None:
        run.write_end(context["dag_run"].run_id)
        raise AirflowFailException("the run has ended without its report: see the tasks before this one")


def shared_arguments(
    preset: Preset,
    snapshot: Manifest,
    *,
    seed: int,
    store_uri: str,
    lightgbm_device: Literal["cpu", "gpu"] = "cpu",
    of_tuning: Mapping[str, Any] | None = None,
) -> fleet.FleetJobArgs:
    """What all jobs of the run have in common, its run key included; ``of_tuning`` is `FleetParameters.tuning`."""
    return fleet.FleetJobArgs(
        store=store_uri,
        dataset_rev=snapshot.facts["dataset_rev"],
        cutoff=snapshot.facts["cutoff"],
        seed=seed,
        lightgbm_device=lightgbm_device,
        **preset.model_dump(exclude={"last_bars"}),
        **(of_tuning or {}),
    ).with_run_key()


def plan_jobs(shared: fleet.FleetJobArgs, parameters: FleetParameters, *, dag_run_id: str) -> list[fleet.FleetJobArgs]:
    """The arguments of every job after the snapshot; those of jobs with shards are the first one's."""
    return [
        shared.for_job(fleet.CertifyFeatures),
        shared.for_job(fleet.ComputeFeatures),
        shared.for_job(fleet.LabelEvents),
        shared.for_job(fleet.SelectColumns),
        shared.for_job(fleet.TrainVariants, shard=0, variants_per_pod=parameters.variants_per_pod),
        shared.for_job(fleet.ChooseFamilyBests),
        shared.for_job(fleet.WriteLedger),
        shared.for_job(fleet.WriteReport),
        shared.for_job(
            fleet.LogRuns, dag_run_id=dag_run_id, follow=True, idle_limit_seconds=read_settings().log_idle_limit_seconds
        ),
        *(plan_tuning_jobs(shared, families_per_pod=parameters.families_per_pod) if parameters.tune else []),
    ]


def plan_tuning_jobs(shared: fleet.FleetJobArgs, *, families_per_pod: int) -> list[fleet.FleetJobArgs]:
    """The arguments of every job after stage 1."""
    stages = [
        job
        for stage in TUNED_STAGES
        for job in (
            shared.for_job(tuning.PlanTuning, stage=stage),
            shared.for_job(tuning.RunTrials, stage=stage, shard=0, studies_per_pod=families_per_pod),
            shared.for_job(tuning.CloseTuning, stage=stage),
        )
    ]
    return [
        *stages,
        shared.for_job(tuning.JudgeHoldout),
        shared.for_job(tuning.SelectProductionColumns),
        shared.for_job(tuning.TrainProduction, shard=0, families_per_pod=families_per_pod),
        shared.for_job(tuning.RegisterModels),
    ]


def request_name(context: Mapping[str, Any]) -> str:
    """Names the run's snapshot request."""
    run = context["dag_run"]
    return name_request(environment=read_settings().environment, dag_id=run.dag_id, run_id=run.run_id)


def check_n_shards(n_shards: int, *, limit: int) -> None:
    """Airflow maps a task over so many entries and no more.

    Raises:
        ConfigurationError: more shards than that.
    """
    if n_shards > limit:
        raise ConfigurationError(
            f"the run has {n_shards} shards, and Airflow maps a task over at most {limit} ([core] max_map_length): "
            f"give each pod more variants (variants_per_pod), or raise AIRFLOW__CORE__MAX_MAP_LENGTH on the api-server"
        )


def check_study_service() -> None:
    """Nothing can be tuned without it.

    Raises:
        ConfigurationError: its address or its token is not set for the jobs.
    """
    if missing := missing_for_studies(read_settings()):
        raise ConfigurationError(
            f"tuning needs the study service, and the jobs have no {' and no '.join(missing)}: deploy the service "
            "(studies.enabled in the chart's values), or trigger the run with tune=false"
        )


@contextmanager
def failing_at_once() -> Iterator[None]:
    """Turns errors that no retry mends into Airflow's own for such, with their one line."""
    try:
        yield
    except ValidationError as exc:
        raise AirflowFailException(describe_validation_error(exc, flags=False)) from exc
    except FleetcastError as exc:
        if exc.exit_code == 2:
            raise AirflowFailException(str(exc)) from exc
        raise
