"""The jobs that run in pods of the trainer's image, by the names of their modules."""

from fleetcast.job_args import fleet, sequence, tuning
from fleetcast.job_args.base import JobArgs

POD_JOBS = [
    job.command.replace("-", "_")
    for module in (fleet, tuning, sequence)
    for job in vars(module).values()
    if isinstance(job, type) and issubclass(job, JobArgs) and "command" in vars(job) and job.image == "trainer"
    if " " not in job.command
]
