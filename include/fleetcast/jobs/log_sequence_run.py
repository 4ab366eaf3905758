"""Job ``log-sequence-run``: a sequence model's manifests projected into MLflow."""

import time
from pathlib import Path

from fleetcast.job_args.sequence import LogSequenceRun
from fleetcast.settings import TrackingSettings
from fleetcast.store.objects import Store
from fleetcast.tracking.sequence_runs import log_sequence_run
from fleetcast.tracking.target import choose_target
from fleetcast.tracking.tracker import Tracker


def run(args: LogSequenceRun) -> None:
    """Logs what there is; a second time it adds nothing."""
    target = choose_target(
        Path.cwd(),
        environment_uri=TrackingSettings().mlflow_tracking_uri,
        tracking_uri=args.tracking_uri,
        experiment_name=args.experiment_name,
    )
    tracker = Tracker(target, now_ms=lambda: time.time_ns() // 1_000_000, task="log_sequence_run")
    found = log_sequence_run(tracker, Store(args.store), run_key=args.run_key)
    print(f"run {args.run_key} is logged: {target.shown_uri}, experiments/{tracker.experiment_id}/runs/{found.run_id}")
