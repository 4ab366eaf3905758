"""register-models: a version in MLflow for each production model, each as its family's challenger."""

import logging
import time
from pathlib import Path

from fleetcast.job_args.run_key import digest_of
from fleetcast.job_args.tuning import RegisterModels
from fleetcast.registry.records import read_records, read_verdicts
from fleetcast.registry.registration import Registration
from fleetcast.settings import TrackingSettings
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.tracking.following import Clock, keep_trying
from fleetcast.tracking.target import choose_target
from fleetcast.tracking.tracker import Tracker

log = logging.getLogger(__name__)


def run(args: RegisterModels) -> None:
    """Registers what is not registered yet; a second time it adds nothing, whatever MLflow it is given."""
    started = time.monotonic()
    folder = RunFolder(Store(args.store), args.run_key)
    target = choose_target(
        Path.cwd(),
        environment_uri=TrackingSettings().mlflow_tracking_uri,
        tracking_uri=args.tracking_uri,
        experiment_name=None,
    )
    log.info("MLflow at %s (from %s), experiment %s", target.shown_uri, target.source, target.experiment_name)
    records = list(read_records(folder, args, verdicts=read_verdicts(folder)))
    tracker = Tracker(target, now_ms=lambda: time.time_ns() // 1_000_000, task="register_models")
    registration = Registration(args.run_key, records, tracker=tracker)
    keep_trying(
        registration.advance,
        progress=lambda: registration.n_registered,
        outage_limit_seconds=args.outage_limit_seconds,
        clock=Clock(time.monotonic, time.sleep),
    )
    versions = {
        family_id: {"name": version.name, "version": version.number}
        for family_id, version in registration.registered.items()
    }
    folder.stage("registration").commit(
        inputs={"production": digest_of([record.key for record in records])},
        facts={
            "tracking_uri": target.shown_uri,
            "versions": versions,
            "n_created": registration.n_created,  # by the attempt that finished; the others are from earlier ones
            "seconds": round(time.monotonic() - started, 3),
            "cpu_seconds": round(time.process_time(), 3),
        },
    )
    print(f"run {args.run_key}: {len(versions)} models are registered, {registration.n_created} versions new")
