"""The local study service, which hands out the trials that tuning's jobs run."""

from collections.abc import Mapping

from fleetcast.job_args.base import JobArgs
from fleetcast.job_args.tuning import CreateStudyTables, ServeStudies
from fleetcast.local.layout import Layout
from fleetcast.local.mlflow_server import address, answers
from fleetcast.local.ports import HOST
from fleetcast.local.supervisor import Component


def study_tables(layout: Layout, environment: Mapping[str, str]) -> Component:
    """Makes the tables of the study database; those that are there stay as they are."""
    return Component(
        name=CreateStudyTables.command,
        command=_command(layout, CreateStudyTables()),
        environment=environment,
        is_ready=lambda: False,
    )


def study_service(layout: Layout, *, port: int, environment: Mapping[str, str]) -> Component:
    """The one process that talks to the study database; it counts as ready when it also has that database."""
    return Component(
        name="studies",
        command=_command(layout, ServeStudies(host=HOST, port=port)),
        environment=environment,
        is_ready=lambda: answers(f"{address(port)}/health"),
    )


def _command(layout: Layout, job: JobArgs) -> tuple[str, ...]:
    return (str(layout.trainer_bin / "fleetcast"), *job.to_argv())
