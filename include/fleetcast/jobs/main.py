"""The command ``fleetcast``: finds the job by name, runs it and turns its end into an exit code and a last line."""

import importlib
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from pydantic import ValidationError

from fleetcast.errors import ConfigurationError, FleetcastError
from fleetcast.job_args import fleet, looking, sequence, tuning
from fleetcast.job_args.base import JobArgs, describe_validation_error
from fleetcast.settings import read_settings

JOBS: dict[str, type[JobArgs]] = {
    job.command: job
    for job in (
        fleet.TakeSnapshot,
        fleet.CertifyFeatures,
        fleet.ComputeFeatures,
        fleet.LabelEvents,
        fleet.SelectColumns,
        fleet.TrainVariants,
        fleet.ChooseFamilyBests,
        fleet.WriteLedger,
        fleet.WriteReport,
        fleet.LogRuns,
        tuning.CreateStudyTables,
        tuning.ServeStudies,
        tuning.PlanTuning,
        tuning.PlanFamilyTuning,
        tuning.RunTrials,
        tuning.CloseTuning,
        tuning.JudgeHoldout,
        tuning.SelectProductionColumns,
        tuning.TrainProduction,
        tuning.RegisterModels,
        sequence.TakePanel,
        sequence.TrainConvlstm,
        sequence.EvaluateConvlstm,
        sequence.TuneConvlstm,
        sequence.RunConvlstmSuite,
        sequence.TrainCnnLstm,
        sequence.TuneCnnLstm,
        sequence.RegisterConvlstm,
        sequence.RegisterCnnLstm,
        sequence.LogSequenceRun,
        sequence.SequenceStatus,
        looking.LabelsCount,
        looking.FeaturesList,
        looking.AuditLeaks,
        looking.LedgerShow,
        looking.Status,
        looking.RunLocal,
        looking.StopLocal,
    )
}


def main() -> None:
    """Runs the command line and exits: 0 done, 2 a retry cannot help, 1 everything else."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output went away, such as `head`; Python's documentation has this way
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def run(argv: Sequence[str]) -> int:
    """Runs one command line; returns its exit code after writing the last line to stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    job = find_job(argv)
    if job is None:
        asked_for_help = not argv or argv[0] in ("-h", "--help")
        print(usage(), file=sys.stdout if asked_for_help else sys.stderr)
        return 0 if asked_for_help else _end(2, f"unknown command {' '.join(argv[:2])!r}: expected one of those above")
    try:
        args = job.from_argv(argv)
        if isinstance(args, fleet.FleetJobArgs):
            args.check_run_key()
        importlib.import_module(f"fleetcast.jobs.{job.command.replace('-', '_').replace(' ', '_')}").run(args)
    except ValidationError as exc:
        return _end(2, f"{job.command}: {describe_validation_error(exc)}")
    except FleetcastError as exc:
        return _end(exc.exit_code, f"{job.command}: {exc}")
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        return _end(1, f"{job.command}: interrupted")
    except Exception as exc:
        logging.exception("unexpected error")
        return _end(1, f"{job.command}: {type(exc).__name__}: {exc}")
    return 0


def find_job(argv: Sequence[str]) -> type[JobArgs] | None:
    """The job that the first word, or the first two, name."""
    return JOBS.get(argv[0]) or JOBS.get(" ".join(argv[:2])) if argv else None


def usage() -> str:
    """One line a command."""
    lines = [f"  {name:<20} {(job.__doc__ or '').splitlines()[0]}" for name, job in JOBS.items()]
    return "\n".join(["usage: fleetcast COMMAND [--flag value ...]   (COMMAND --help shows its flags)", "", *lines])


def _end(code: int, message: str) -> int:
    line = " ".join(message.split())
    with suppress(OSError, ConfigurationError):  # the latter may be what the line says
        path = read_settings().termination_log
        if path.exists():
            path.write_text(line)
    print(line, file=sys.stderr, flush=True)
    return code
