"""The jobs that run in pods, by the names of their modules."""

from fleetcast.job_args import fleet, tuning
from fleetcast.job_args.base import JobArgs

POD_JOBS = [
    job.command.replace("-", "_")
    for job in (*vars(fleet).values(), *vars(tuning).values())
    if isinstance(job, type) and issubclass(job, JobArgs) and job not in (JobArgs, fleet.FleetJobArgs)
]
