"""### Tune one family by hand

One more study of a family's best variant, in a run of `train_fleet` whose stage 1 is done: its out-of-fold score on
stage 3's five folds, from stage 1's parameters on. It stands beside the run's own studies, spends nothing of their
budget, changes no model and promotes nothing, because no ledger holds its trials.

1. **plan** checks the run, the family and the number of trials.
2. **plan_family_tuning** opens the study, **run_trials** runs its trials, in as many workers as were asked for.
3. **close_tuning** stores what was found, under `runs/<run key>/tuning/by-hand/<family>-<digest>/result/<family>`:
   study_summary.json, all_trials.json, trials_dataframe.csv, and the plots as pages.
"""

from airflow.sdk import dag, get_current_context, task

from fleetcast.job_args.tuning import CloseTuning, PlanFamilyTuning, RunTrials
from fleetcast.orchestration.family_tuning import plan_family
from fleetcast.orchestration.job_task import TRAINING, default_task_options, job_task
from fleetcast.orchestration.parameters import FamilyParameters, form_fields


@dag(
    schedule=None,
    params=form_fields(FamilyParameters),
    default_args=default_task_options(),
    doc_md=__doc__,
    tags=["fleet", "tuning"],
)
def tune_family() -> None:
    """Wires the jobs; what they do stands in their own modules."""

    @task
    def plan() -> list[int]:
        """Check what was asked for, plan every job and return the workers."""
        return plan_family(get_current_context())

    workers = plan()
    opened = job_task(PlanFamilyTuning, arguments=workers[PlanFamilyTuning.command])
    trials = job_task(RunTrials, arguments=workers[RunTrials.command], shards=[0], workers=workers, **TRAINING)
    closed = job_task(CloseTuning, arguments=workers[CloseTuning.command])
    workers >> opened >> trials >> closed


tune_family()
