"""A run of the micro preset, stage by stage: each stage is computed once for all tests that look at it."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from certified import certify
from fleetcast.job_args.fleet import ComputeFeatures, FleetJobArgs, LabelEvents, SelectColumns
from fleetcast.jobs import compute_features, label_events, select_columns
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from taken_run import take_run


@dataclasses.dataclass(frozen=True)
class MicroRun:
    """A run's arguments and its folder; ``under`` gives the same run another key, and so other folders."""

    args: FleetJobArgs
    store: Store

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.store, self.args.run_key)

    def at(self, folder: Path) -> "MicroRun":
        """The same run on a store of its own, which holds the snapshot alone."""
        store = Store(folder.as_uri())
        shutil.copytree(self.store.local_path("snapshots"), folder / "snapshots")
        return MicroRun(args=self.args.model_copy(update={"store": store.uri}), store=store)

    def under(self, run_key: str, **changes: Any) -> "MicroRun":
        return MicroRun(args=self.args.model_copy(update={"run_key": run_key, **changes}), store=self.store)


@pytest.fixture(scope="session")
def snapshot_run(tmp_path_factory) -> MicroRun:
    """The last 6,000 bars of the sample are a snapshot; nothing is computed yet."""
    store = Store((tmp_path_factory.mktemp("micro") / "store").as_uri())
    return MicroRun(args=take_run(store), store=store)


@pytest.fixture(scope="session")
def features_run(snapshot_run) -> MicroRun:
    """Labels and features are committed."""
    certify(snapshot_run.store)
    label_events.run(snapshot_run.args.for_job(LabelEvents))
    compute_features.run(snapshot_run.args.for_job(ComputeFeatures))
    return snapshot_run


@pytest.fixture(scope="session")
def columns_run(features_run) -> MicroRun:
    """The selected columns are committed too."""
    select_columns.run(features_run.args.for_job(SelectColumns))
    return features_run
