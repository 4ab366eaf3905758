"""### Train the fleet

Bars in, one LightGBM model for each of the fleet's variants out: 2160 with the default grid, in 36 families.

1. **take_snapshot** reads and checks the bars and stores those up to the cutoff.
2. **plan** checks every parameter and every job's arguments, and names the run by its key: the same bars, parameters
   and code have the same key, so what was computed once is never computed again.
3. **certify_features** sees to it that this code's columns were audited for leaks, which takes minutes once and nothing
   where the package ships its certificate. **compute_features** and **label_events** run beside each other,
   **select_columns** after them.
4. **train_variants** trains and judges the variants, one task a shard.
5. **choose_family_bests** looks at the holdout once, for each family's best variant; **write_report** shows it all.

**log_runs** copies results to MLflow while training goes on. It stands beside the path to the report, so that an MLflow
that is down delays nothing. **close** tells it when the report can no longer come.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from fleetcast.job_args.fleet import (
    CertifyFeatures,
    ChooseFamilyBests,
    ComputeFeatures,
    LabelEvents,
    LogRuns,
    SelectColumns,
    TakeSnapshot,
    TrainVariants,
    WriteReport,
)
from fleetcast.orchestration.job_task import default_task_options, job_task
from fleetcast.orchestration.parameters import form_fields
from fleetcast.orchestration.planning import close_run, plan_run, snapshot_arguments


@dag(
    schedule=CronTriggerTimetable("0 6 * * 1", timezone="UTC", run_immediately=timedelta(0)),  # Mondays
    catchup=False,
    max_active_runs=1,
    params=form_fields(),
    default_args=default_task_options(),
    doc_md=__doc__,
    tags=["fleet", "lightgbm", "training"],
)
def train_fleet() -> None:
    """Wires the jobs; what they do stands in their own modules."""

    @task
    def plan() -> list[int]:
        """Check the parameters, plan every job and return the shards."""
        return plan_run(get_current_context())

    @task(trigger_rule="all_done")
    def close() -> None:
        """Note a run that is over without its report, so that nobody waits for it."""
        close_run(get_current_context())

    snapshot = job_task(TakeSnapshot, arguments=snapshot_arguments)
    shards = plan()
    certificate = job_task(CertifyFeatures, arguments=shards[CertifyFeatures.command])
    features = job_task(ComputeFeatures, arguments=shards[ComputeFeatures.command])
    labels = job_task(LabelEvents, arguments=shards[LabelEvents.command])
    columns = job_task(SelectColumns, arguments=shards[SelectColumns.command])
    training = job_task(
        TrainVariants,
        arguments=shards[TrainVariants.command],
        shards=shards,
        pool="training",
        node_pool="training",
    )
    bests = job_task(ChooseFamilyBests, arguments=shards[ChooseFamilyBests.command])
    report = job_task(WriteReport, arguments=shards[WriteReport.command])
    log_runs = job_task(LogRuns, arguments=shards[LogRuns.command])

    shards >> certificate >> features
    snapshot >> shards >> [features, labels] >> columns >> training >> bests >> report
    columns >> log_runs
    [training, bests, report] >> close()


train_fleet()
