"""log-runs: the run's manifests projected into MLflow, while training goes on or afterwards."""

import logging
import time
from functools import partial
from pathlib import Path
from typing import Any

from fleetcast.job_args.fleet import LogRuns
from fleetcast.job_args.run_key import code_digest
from fleetcast.settings import TrackingSettings
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.tracking.following import Clock, Patience, project
from fleetcast.tracking.projection import Projection
from fleetcast.tracking.target import choose_target
from fleetcast.tracking.tracker import Tracker

log = logging.getLogger(__name__)


def run(args: LogRuns) -> None:
    """Logs what there is, or with ``follow`` all that comes until the report; a second time it adds nothing."""
    folder = RunFolder(Store(args.store), args.run_key)
    target = choose_target(
        Path.cwd(),
        environment_uri=TrackingSettings().mlflow_tracking_uri,
        tracking_uri=args.tracking_uri,
        experiment_name=args.experiment_name,
    )
    log.info("MLflow at %s (from %s), experiment %s", target.shown_uri, target.source, target.experiment_name)
    tracker = Tracker(target, now_ms=lambda: time.time_ns() // 1_000_000)
    projection = Projection(folder, args, tracker=tracker, dag_run_id=args.dag_run_id, facts=_description(args, folder))
    patience = Patience(
        poll_seconds=args.poll_seconds,
        idle_limit_seconds=args.idle_limit_seconds,
        outage_limit_seconds=args.outage_limit_seconds,
    )
    seconds = project(
        projection,
        follow=args.follow,
        patience=patience,
        clock=Clock(time.monotonic, time.sleep),
        has_ended=partial(folder.has_ended, args.dag_run_id),
    )
    if projection.is_complete:
        _commit(folder, projection, tracker, seconds=seconds)
    print(_summary(projection, tracker, seconds=seconds))


def _description(args: LogRuns, folder: RunFolder) -> dict[str, Any]:
    plan = folder.stage("plan").committed()
    return {
        "preset": plan.facts.get("preset") if plan else None,
        "dataset_rev": args.dataset_rev,
        "cutoff": args.cutoff.isoformat(),
        "n_columns": args.n_columns,
        "seed": args.seed,
        "code_digest": code_digest(),
    }


def _commit(folder: RunFolder, projection: Projection, tracker: Tracker, *, seconds: float) -> None:
    folder.stage("tracking").commit(
        facts={
            "tracking_uri": tracker.target.shown_uri,
            "experiment_id": tracker.experiment_id,
            "parent_run_id": projection.parent.run_id,
            "n_runs": projection.n_variants + projection.studies.n_logged + 1,
            "n_studies": projection.studies.n_logged,
            "n_created": projection.n_created
            + projection.studies.n_created,  # by the attempt that finished; the others are from earlier ones
            "n_models": projection.n_models,
            "seconds": round(seconds, 3),  # without the waiting for training
            "cpu_seconds": round(time.process_time(), 3),
        }
    )


def _summary(projection: Projection, tracker: Tracker, *, seconds: float) -> str:
    if projection.is_complete and not projection.n_logged:
        state = "was logged completely before"
    elif projection.is_complete:
        state = f"is logged completely: {projection.n_logged} variants, {projection.n_created} runs new"
    else:
        state = (
            f"is logged as far as it goes: {projection.n_logged} of {projection.n_variants} variants; "
            "run log-runs again when the report is written"
        )
    where = f"experiments/{tracker.experiment_id}/runs/{projection.parent.run_id}"
    address = f"{tracker.target.shown_uri.rstrip('/')}/#/{where}" if tracker.target.is_server else where
    return f"run {projection.parent.key} {state} ({seconds:.1f} s, CPU {time.process_time():.1f} s): {address}"
