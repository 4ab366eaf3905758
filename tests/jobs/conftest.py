"""A run of the micro preset, stage by stage: each stage is computed once for all tests that look at it."""

import dataclasses
from typing import Any

import pytest

from fleetcast.fleet.presets import load_preset
from fleetcast.fleet.variants import Grid
from fleetcast.job_args.fleet import ComputeFeatures, FleetJobArgs, LabelEvents, SelectColumns, TakeSnapshot
from fleetcast.jobs import compute_features, label_events, select_columns, take_snapshot
from fleetcast.store.manifests import RunFolder, StageFolder
from fleetcast.store.objects import Store


@dataclasses.dataclass(frozen=True)
class MicroRun:
    """A run's arguments and its folder; ``under`` gives the same run another key, and so other folders."""

    args: FleetJobArgs
    store: Store

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.store, self.args.run_key)

    def under(self, run_key: str, **changes: Any) -> "MicroRun":
        return MicroRun(args=self.args.model_copy(update={"run_key": run_key, **changes}), store=self.store)


@pytest.fixture(scope="session")
def snapshot_run(tmp_path_factory) -> MicroRun:
    """The last 6,000 bars of the sample are a snapshot; nothing is computed yet."""
    store = Store((tmp_path_factory.mktemp("micro") / "store").as_uri())
    preset = load_preset("micro")
    take_snapshot.run(TakeSnapshot(store=store.uri, request="r", symbols=preset.symbols, last_bars=preset.last_bars))
    facts = StageFolder(store, "requests/r", key="r").require().facts
    args = FleetJobArgs(
        store=store.uri,
        dataset_rev=facts["dataset_rev"],
        cutoff=facts["cutoff"],
        n_columns=preset.n_columns,
        n_selection_models=preset.n_selection_models,
        **{name: getattr(preset, name) for name in Grid.model_fields},
    )
    return MicroRun(args=args.with_run_key(), store=store)


@pytest.fixture(scope="session")
def features_run(snapshot_run) -> MicroRun:
    """Labels and features are committed."""
    label_events.run(snapshot_run.args.for_job(LabelEvents))
    compute_features.run(snapshot_run.args.for_job(ComputeFeatures))
    return snapshot_run


@pytest.fixture(scope="session")
def columns_run(features_run) -> MicroRun:
    """The selected columns are committed too."""
    select_columns.run(features_run.args.for_job(SelectColumns))
    return features_run
