"""### Train the ConvLSTM

Whether a panel of stocks, or its index, rises the next day. The parameter `mode` says which steps a run has; the
others are skipped:

| step | train | tune | evaluate | suite |
| --- | --- | --- | --- | --- |
| **train_baseline** fits the configuration | ✓ | | | ✓ |
| **evaluate_baseline** looks at the test part once and writes the report | ✓ | | ✓ | ✓ |
| **search_quickly** runs `quick_trials` | | | | ✓ |
| **search** runs `trials`, in `workers` pods that share one study | | ✓ | | ✓ |
| **train_best**, **evaluate_best** fit the best of them for longer and judge it | | ✓ | | ✓ |
| **register** logs the last model to MLflow, its report with it, as its experiment's challenger | ✓ | ✓ | ✓ | ✓ |

**take_panel** comes first and stores what was known at the cutoff; **plan** checks every parameter. The same panel,
configuration, seed and code is never trained twice. Models compute in the node pool `gpu` where there is one.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, chain, dag, get_current_context, task

from fleetcast.job_args import sequence
from fleetcast.orchestration.job_task import ON_GPU, default_task_options, job_task
from fleetcast.orchestration.parameters import form_fields
from fleetcast.orchestration.sequence_parameters import ConvlstmParameters
from fleetcast.orchestration.sequence_planning import convlstm_panel, plan_convlstm


@dag(
    schedule=CronTriggerTimetable("0 8 * * 1", timezone="UTC", run_immediately=timedelta(0)),  # Mondays
    catchup=False,
    max_active_runs=1,
    params=form_fields(ConvlstmParameters),
    default_args=default_task_options(),
    doc_md=__doc__,
    tags=["sequence", "convlstm", "training", "tuning"],
)
def train_convlstm() -> None:
    """Wires the jobs; what they do stands in their own modules."""

    @task
    def plan() -> list[int]:
        """Check the parameters, plan every step and return the workers of searches."""
        return plan_convlstm(get_current_context())

    workers = plan()

    def step(name: str, job: type[sequence.SequenceArgs], **options: object) -> object:
        # A step that the mode does not have is skipped, which keeps none behind it from running.
        return job_task(job, arguments=workers[name], task_id=name, trigger_rule="none_failed", **options)

    panel = job_task(sequence.TakePanel, arguments=convlstm_panel)
    steps = [
        step("train_baseline", sequence.TrainConvlstm, **ON_GPU),
        step("evaluate_baseline", sequence.EvaluateConvlstm, **ON_GPU),
        step("search_quickly", sequence.TuneConvlstm, workers=workers, **ON_GPU),
        step("search", sequence.TuneConvlstm, workers=workers, **ON_GPU),
        step("train_best", sequence.TrainConvlstm, **ON_GPU),
        step("evaluate_best", sequence.EvaluateConvlstm, **ON_GPU),
        step("register", sequence.RegisterConvlstm),
    ]
    chain(panel, workers, *steps)


train_convlstm()
