"""### Train the CNN+LSTM

The returns of stocks over some days, with an uncertainty that validation calibrates.

1. **take_panel** stores what was known of the bars at the cutoff; **plan** checks every parameter.
2. **search**, in the mode `tune` alone, runs `trials` in `workers` pods that share one study.
3. **train** fits the configuration, or the best of the search, looks at the test part once and writes the report.
4. **register** logs the model to MLflow, its report with it, as its experiment's challenger.

The same panel, configuration, seed and code is never trained twice. Models compute in the node pool `gpu` where there
is one.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, chain, dag, get_current_context, task

from fleetcast.job_args import sequence
from fleetcast.orchestration.job_task import ON_GPU, default_task_options, job_task
from fleetcast.orchestration.parameters import form_fields
from fleetcast.orchestration.sequence_parameters import CnnLstmParameters
from fleetcast.orchestration.sequence_planning import cnn_lstm_panel, plan_cnn_lstm


@dag(
    schedule=CronTriggerTimetable("0 9 * * 1", timezone="UTC", run_immediately=timedelta(0)),  # Mondays
    catchup=False,
    max_active_runs=1,
    params=form_fields(CnnLstmParameters),
    default_args=default_task_options(),
    doc_md=__doc__,
    tags=["sequence", "cnn-lstm", "training", "tuning"],
)
def train_cnn_lstm() -> None:
    """Wires the jobs; what they do stands in their own modules."""

    @task
    def plan() -> list[int]:
        """Check the parameters, plan every step and return the workers of the search."""
        return plan_cnn_lstm(get_current_context())

    workers = plan()

    def step(name: str, job: type[sequence.SequenceArgs], **options: object) -> object:
        # A step that the mode does not have is skipped, which keeps none behind it from running.
        return job_task(job, arguments=workers[name], task_id=name, trigger_rule="none_failed", **options)

    chain(
        job_task(sequence.TakePanel, arguments=cnn_lstm_panel),
        workers,
        step("search", sequence.TuneCnnLstm, workers=workers, **ON_GPU),
        step("train", sequence.TrainCnnLstm, **ON_GPU),
        step("register", sequence.RegisterCnnLstm),
    )


train_cnn_lstm()
