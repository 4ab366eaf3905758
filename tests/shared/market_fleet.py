"""One fleet from simulated bars to its ledger: the real jobs, called in this process so that imports are paid once.

Three jobs do without what decides nothing here: columns are selected without the models that only tell how stable the
choice is, and are not compared with the bars, variants are trained in this process instead of one each, and of finished
studies no plots are drawn.
"""

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleetcast.data.bars import BarSet
from fleetcast.fleet.presets import load_preset
from fleetcast.fleet.variants import Grid
from fleetcast.job_args import fleet, tuning
from fleetcast.job_args.base import JobArgs
from fleetcast.job_args.run_key import code_digest
from fleetcast.jobs import close_tuning, main
from fleetcast.jobs.run_trials import run_studies
from fleetcast.selection.ranking import aggregate
from fleetcast.selection.selecting import Fit, fit_models, sampled_rows, screen_columns, write_result
from fleetcast.settings import StudySettings
from fleetcast.splits.parts import Parts
from fleetcast.store.manifests import RunFolder, request_folder
from fleetcast.store.objects import Store
from fleetcast.training.checked_inputs import COLUMNS, commit_checks
from fleetcast.training.run_data import load_matrix, load_run_data
from fleetcast.training.shard import Shard
from fleetcast.tuning.artifacts import list_trials
from fleetcast.tuning.client import StudyClient
from fleetcast.tuning.database import create_tables
from in_this_process import InThisProcess
from simulated_bars import simulate_bars
from study_database import StudyDatabase
from study_service import TOKEN, StudyService

REQUEST = "simulated"
LEASE_SECONDS = 60.0


@dataclass(frozen=True)
class MarketFleet:
    """What makes a fleet, beside its seed.

    ``kappa`` is `simulate_bars`'; without ``n_trials`` of each study it has stage 1 alone.
    """

    preset: str = "micro"
    kappa: float = 0.0
    n_trials: int | None = None

    @property
    def name(self) -> str:
        """For files."""
        stages = "stage-1" if self.n_trials is None else f"{self.n_trials}-trials"
        return f"{self.preset}-kappa-{self.kappa:g}-{stages}"

    def run(self, seed: int) -> dict[str, Any]:
        """What the ledger of one fleet says, as one line for a file; what the fleet stored is removed."""
        spent = cpu_seconds()
        said = contextlib.redirect_stdout(io.StringIO())  # a benchmark's output is one JSON line
        with tempfile.TemporaryDirectory(prefix="fleetcast-simulated-") as folder, said:
            by_job: dict[str, float] = {}
            args = self._take(seed, folder=Path(folder))
            for job in _jobs(args):
                before = cpu_seconds()
                _run(job)
                by_job[job.command] = by_job.get(job.command, 0.0) + cpu_seconds() - before
            ledger = RunFolder(Store(args.store), args.run_key).stage("ledger").require().facts
        return {
            "seed": seed,
            "code_digest": code_digest(),
            "promotable": ledger["promotable"],
            "families": ledger["families"],
            "n_by_state": ledger["n_by_state"],
            "expected_best": ledger["expected_best"],
            "overfitting": {name: found["probability"] for name, found in ledger["overfitting"].items()},
            "cpu_seconds": round(cpu_seconds() - spent, 2),
            "by_job": {command: round(seconds, 2) for command, seconds in by_job.items()},
        }

    def _take(self, seed: int, *, folder: Path) -> fleet.FleetJobArgs:
        """Takes the snapshot of the fleet's bars; returns the arguments of the jobs after it."""
        preset, bars = load_preset(self.preset), folder / "bars.parquet"
        write_bars(simulate_bars(seed, n_bars=preset.last_bars, kappa=self.kappa), bars)
        store = Store((folder / "store").as_uri())
        _run(fleet.TakeSnapshot(store=store.uri, request=REQUEST, bars=str(bars), symbols=preset.symbols))
        facts = request_folder(store, REQUEST).require().facts
        return fleet.FleetJobArgs(
            store=store.uri,
            dataset_rev=facts["dataset_rev"],
            cutoff=facts["cutoff"],
            seed=seed,
            tune=self.n_trials is not None,
            tuning_trials=self.n_trials,
            **preset.model_dump(exclude={"last_bars"}),
        ).with_run_key()


@contextlib.contextmanager
def study_service(folder: Path) -> Iterator[None]:
    """A Postgres and a study service for all fleets, named in this process's environment."""
    with contextlib.ExitStack() as ending:
        database = StudyDatabase(folder).start()
        ending.callback(database.stop)
        create_tables(database.uri)
        service = StudyService(folder, database.uri, lease_seconds=LEASE_SECONDS).start()
        ending.callback(service.stop)
        os.environ |= {"FLEETCAST_STUDIES_URL": service.url, "FLEETCAST_STUDIES_TOKEN": TOKEN}
        yield


def write_bars(bars: BarSet, path: Path) -> None:
    """As a file that people bring."""
    names = ("timestamp", "open", "high", "low", "close", "volume")
    frames = [
        pl.DataFrame({"symbol": [f"{symbol.upper()}USDT"] * own.n_bars} | {name: getattr(own, name) for name in names})
        for symbol, own in bars.bars.items()
    ]
    instants = pl.from_epoch("timestamp", time_unit="ms").dt.replace_time_zone("UTC")
    pl.concat(frames).with_columns(instants).write_parquet(path)


def select_columns(args: fleet.FleetJobArgs) -> None:
    """Commits the columns that the job ``select-columns`` selects."""
    run = RunFolder(Store(args.store), args.run_key)
    features, labels, folder = run.stage("features"), run.stage("labels"), run.stage("columns")
    screen_end = Parts.of(features.require().facts["n_rows"]).screen_end
    screen = screen_columns(features, screen_end=screen_end, n_threads=1)
    rows = sampled_rows(labels, args, screen_end=screen_end)
    found = fit_models([Fit(one, args.seed) for one in rows], features, names=screen.kept, n_threads=1)
    selected = aggregate([one.top(screen.kept) for one in found], n_columns=args.n_columns)
    write_result(folder, features, selected=selected, screen_end=screen_end)
    folder.commit(facts={"screen_end": screen_end})
    commit_checks(run, COLUMNS, matrix=load_matrix(folder), rows=np.arange(0, screen_end, 400), facts={})


def cpu_seconds() -> float:
    """Of this process and those that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _jobs(args: fleet.FleetJobArgs) -> Iterator[JobArgs]:
    for job in (fleet.CertifyFeatures, fleet.ComputeFeatures, fleet.LabelEvents, fleet.SelectColumns):
        yield args.for_job(job)
    yield args.for_job(fleet.TrainVariants, shard=0, variants_per_pod=len(Grid.variants(args)))
    yield args.for_job(fleet.ChooseFamilyBests)
    if args.tune:
        for stage in (2, 3, 4):
            yield args.for_job(tuning.PlanTuning, stage=stage)
            yield args.for_job(tuning.RunTrials, stage=stage, shard=0, studies_per_pod=len(args.families()))
            yield args.for_job(tuning.CloseTuning, stage=stage)
        yield args.for_job(tuning.JudgeHoldout)
    yield args.for_job(fleet.WriteLedger)


def _run(job: JobArgs) -> None:
    if isinstance(job, fleet.SelectColumns):
        select_columns(job)
    elif isinstance(job, fleet.TrainVariants):
        data = load_run_data(job)
        with tempfile.TemporaryDirectory() as scratch:
            Shard(data, job.variants(), workers=InThisProcess(Path(scratch))).train()
    elif isinstance(job, tuning.RunTrials):
        with StudyClient(StudySettings().url, token=TOKEN) as client:
            run_studies(job, client, place=0)
    elif isinstance(job, tuning.CloseTuning):
        close_tuning.run(job, write=_write_trials)
    elif (code := main.run(job.to_argv())) != 0:
        raise RuntimeError(f"{job.command} ended with {code}; its last line stands above")


def _write_trials(folder, planned, found, *, results) -> None:
    """What the ledger reads of a study."""
    listed = json.dumps(list_trials(found, results=results))
    folder.write(f"{planned.family_id}/all_trials.json", listed.encode())
