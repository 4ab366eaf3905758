"""### Train the fleet

Bars in, one LightGBM model for each of the fleet's variants out: 2160 with the default grid, in 36 families. With the
parameter `tune` it goes on to one production model a family, each registered as its family's challenger.

1. **take_snapshot** reads and checks the bars and stores those up to the cutoff.
2. **plan** checks every parameter and every job's arguments, and names the run by its key: the same bars, parameters
   and code have the same key, so what was computed once is never computed again.
3. **certify_features** sees to it that this code's columns were audited for leaks, which takes minutes once and nothing
   where the package ships its certificate. **compute_features** and **label_events** run beside each other,
   **select_columns** after them; it compares all three with the bars, and nothing is trained where they differ.
4. **train_variants** trains and judges the variants, one task a shard.
5. **choose_family_bests** chooses each family's best variant; a run that does not tune looks at the holdout there.
6. **tune_2**, **tune_3** and **tune_4** each plan their budget, run trials in several pods and learn from them: broadly
   on one family of each window, then on all families, then closely around each one's best.
7. **judge_holdout** looks at the holdout once, after every choice. **select_production_columns**, **train_production**
   and **register_models** make the challengers, on everything up to the cutoff.
8. **write_ledger** tests all trials against luck, and says what may be promoted. **write_report** shows it all.

**tunes** skips 6 and 7 in a run that does not tune. **log_runs** copies results to MLflow while all this goes on. It
stands beside the path to the report, so that an MLflow that is down delays nothing. **close** tells it when the report
can no longer come.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, TaskGroup, dag, get_current_context, task

from fleetcast.job_args import fleet, tuning
from fleetcast.orchestration.job_task import TRAINING, default_task_options, job_task, worker_numbers
from fleetcast.orchestration.parameters import form_fields
from fleetcast.orchestration.planning import (
    TUNED_STAGES,
    close_run,
    family_shards,
    plan_run,
    snapshot_arguments,
    xcom_key,
)


@dag(
    schedule=CronTriggerTimetable("0 6 * * 1", timezone="UTC", run_immediately=timedelta(0)),  # Mondays
    catchup=False,
    max_active_runs=1,
    params=form_fields(),
    default_args=default_task_options(),
    doc_md=__doc__,
    tags=["fleet", "lightgbm", "training", "tuning"],
)
def train_fleet() -> None:
    """Wires the jobs; what they do stands in their own modules."""

    @task
    def plan() -> list[int]:
        """Check the parameters, plan every job and return the shards."""
        return plan_run(get_current_context())

    @task.short_circuit(ignore_downstream_trigger_rules=False)
    def tunes() -> list[int]:
        """Return the shards of families that are tuned; without any, whatever belongs to tuning is skipped."""
        return family_shards(get_current_context())

    @task(trigger_rule="all_done")
    def close() -> None:
        """Note a run that is over without its report, so that nobody waits for it."""
        close_run(get_current_context())

    snapshot = job_task(fleet.TakeSnapshot, arguments=snapshot_arguments)
    shards = plan()

    def planned(job: type[fleet.FleetJobArgs], stage: int | None = None, **options: object) -> object:
        return job_task(job, arguments=shards[xcom_key(job, stage)], **options)

    certificate, features = planned(fleet.CertifyFeatures), planned(fleet.ComputeFeatures)
    labels, columns = planned(fleet.LabelEvents), planned(fleet.SelectColumns)
    training = planned(fleet.TrainVariants, shards=shards, **TRAINING)
    bests = planned(fleet.ChooseFamilyBests)
    # Skipped tasks before them do not keep them from running, failed ones do.
    ledger = planned(fleet.WriteLedger, trigger_rule="none_failed_min_one_success")
    report = planned(fleet.WriteReport, trigger_rule="none_failed_min_one_success")
    log_runs = planned(fleet.LogRuns)

    shards >> certificate >> features
    snapshot >> shards >> [features, labels] >> columns >> training >> bests >> [ledger, report]
    columns >> log_runs

    families = tunes()
    shards >> families
    last = bests
    for stage in TUNED_STAGES:
        with TaskGroup(f"tune_{stage}"):
            opened, closed = planned(tuning.PlanTuning, stage), planned(tuning.CloseTuning, stage)
            trials = planned(tuning.RunTrials, stage, shards=families, workers=worker_numbers(), **TRAINING)
        last >> opened >> trials >> closed
        families >> [opened, closed]  # each directly, so that all are skipped at once
        last = closed
    holdout, selected = planned(tuning.JudgeHoldout), planned(tuning.SelectProductionColumns)
    models = planned(tuning.TrainProduction, shards=families, **TRAINING)
    registration = planned(tuning.RegisterModels)
    last >> holdout >> [ledger, selected]
    selected >> models >> [registration, report]  # of which the report needs no MLflow
    ledger >> registration
    families >> [holdout, selected, registration]

    [training, bests, report] >> close()


train_fleet()
