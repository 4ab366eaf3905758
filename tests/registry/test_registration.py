"""What the registry holds after registrations that ended, died, or came twice."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import lightgbm as lgb
import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow.entities import LoggedModel
from mlflow.entities.model_registry import ModelVersion
from mlflow.tracking import MlflowClient

from fleetcast.errors import ServiceError
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.registry.records import read_records, read_verdicts
from fleetcast.registry.registration import Registration
from fleetcast.registry.versions import FoundVersion, Versions
from fleetcast.store.objects import Store
from fleetcast.tracking.models import delete_unfinished_models
from fleetcast.tracking.target import TrackingTarget
from fleetcast.tracking.tracker import FoundRun, Tracker
from produced_fleet import STUDY, produced_args, write_produced_fleet
from synthetic_fleet import COLUMNS, SyntheticFleet, model_text

NAMES = [f"fleetcast-{symbol}-w5-high" for symbol in ("btc", "eth", "sol")]


class KilledError(Exception):
    """Stands for SIGKILL: nothing of the process's state lives on."""


def new_tracker(target: TrackingTarget) -> Tracker:
    return Tracker(target, now_ms=lambda: time.time_ns() // 1_000_000, task="register_models")


def register(fleet: SyntheticFleet, target: TrackingTarget) -> Registration:
    """A process's view: it knows nothing of the attempts before it."""
    records = list(read_records(fleet.folder, fleet.args, verdicts=read_verdicts(fleet.folder)))
    registration = Registration(fleet.args.run_key, records, tracker=new_tracker(target))
    registration.advance()
    return registration


def versions(target: TrackingTarget, name: str = NAMES[0]) -> list[ModelVersion]:
    found = MlflowClient(tracking_uri=target.uri).search_model_versions(f"name = '{name}'")
    return sorted(found, key=lambda version: int(version.version))


def challenger(target: TrackingTarget, name: str = NAMES[0]) -> int | None:
    number = MlflowClient(tracking_uri=target.uri).get_registered_model(name).aliases.get("challenger")
    return None if number is None else int(number)


def logged_models(target: TrackingTarget) -> list[LoggedModel]:
    client = MlflowClient(tracking_uri=target.uri)
    experiment = client.get_experiment_by_name(target.experiment_name)
    return list(client.search_logged_models([experiment.experiment_id]))


@pytest.fixture
def fleet(store: Store) -> SyntheticFleet:
    return write_produced_fleet(produced_args(store.uri))


@pytest.fixture
def another_fleet(store: Store) -> Callable[..., SyntheticFleet]:
    """Of the same families, as another run of the DAG would train it."""

    def make(**changes: object) -> SyntheticFleet:
        args: FleetJobArgs = produced_args(store.uri, **changes)
        return write_produced_fleet(args)

    return make


def test_every_production_model_becomes_its_familys_challenger(fleet: SyntheticFleet, database: TrackingTarget) -> None:
    registration = register(fleet, database)
    assert (registration.n_registered, registration.n_created) == (3, 3)
    for name in NAMES:
        (version,) = versions(database, name)
        assert challenger(database, name) == 1
        assert version.tags["parent_study"] == STUDY
        assert version.tags["promotable"] == "unknown"
        assert version.status == "READY"
        assert "judged sibling" in version.description
    model = MlflowClient(tracking_uri=database.uri).get_registered_model(NAMES[1])
    assert {"symbol": "eth", "window_bars": "5", "swing_type": "high"}.items() <= model.tags.items()


def test_a_version_loads_and_predicts_as_the_stored_model(
    fleet: SyntheticFleet, database: TrackingTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(fleet, database)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database.uri)
    loaded = mlflow.pyfunc.load_model(f"models:/{NAMES[1]}@challenger")
    rows = np.random.default_rng(0).normal(size=(20, len(COLUMNS))).astype(np.float32)
    expected = lgb.Booster(model_str=model_text(1).decode()).predict(rows)
    np.testing.assert_array_equal(loaded.predict(pd.DataFrame(rows, columns=list(COLUMNS))), expected)
    assert loaded.metadata.signature.inputs.input_names() == list(COLUMNS)
    assert loaded.metadata.metadata["parent_study"] == STUDY
    assert loaded.metadata.metadata["metrics"]["sibling_holdout_delta"] == pytest.approx(
        fleet.folder.stage("holdout").require().facts["families"]["eth-w5-high"]["holdout"]["delta"]
    )


def test_files_are_text_and_their_requirements_are_pinned(
    fleet: SyntheticFleet, database: TrackingTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(fleet, database)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database.uri)
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{NAMES[0]}/1"))
    files = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"MLmodel", "model.lgb", "columns.json", "requirements.txt"} <= files
    assert not {name for name in files if name.endswith((".pkl", ".pickle", ".joblib", ".skops"))}
    assert (folder / "model.lgb").read_bytes() == model_text(0)
    assert all("==" in line for line in (folder / "requirements.txt").read_text().splitlines())


def test_a_second_registration_changes_nothing(fleet: SyntheticFleet, database: TrackingTarget) -> None:
    register(fleet, database)
    before = [versions(database, name)[0].to_proto().SerializeToString() for name in NAMES]
    again = register(fleet, database)
    assert (again.n_registered, again.n_created) == (3, 0)
    assert [versions(database, name)[0].to_proto().SerializeToString() for name in NAMES] == before
    assert [len(versions(database, name)) for name in NAMES] == [1, 1, 1]
    assert len(logged_models(database)) == 3


class DyingVersions(Versions):
    """Dies at a step for the second family, with the step done or not, or with its answer lost."""

    where = ""

    def ensure_model(self, name: str, *, tags, description: str) -> None:
        self._die(name, "before the model")
        super().ensure_model(name, tags=tags, description=description)

    def create(self, name: str, *, run: FoundRun, model_id: str, tags, description: str) -> None:
        self._die(name, "before the version")
        super().create(name, run=run, model_id=model_id, tags=tags, description=description)
        self._die(name, "after the version")
        if name == NAMES[1] and self.where == "answer":
            self.where = ""
            raise ServiceError("the answer was lost")

    def challenge(self, version: FoundVersion) -> None:
        self._die(version.name, "before the alias")
        super().challenge(version)
        self._die(version.name, "after the alias")

    def _die(self, name: str, where: str) -> None:
        if name == NAMES[1] and self.where == where:
            raise KilledError(where)


def dying(fleet: SyntheticFleet, target: TrackingTarget, where: str) -> Registration:
    tracker = new_tracker(target)
    dying_versions = DyingVersions(tracker)
    dying_versions.where = where
    records = list(read_records(fleet.folder, fleet.args))
    return Registration(fleet.args.run_key, records, tracker=tracker, versions=dying_versions)


@pytest.mark.parametrize(
    "where", ["before the model", "before the version", "after the version", "before the alias", "after the alias"]
)
def test_a_killed_registration_is_gone_on_with(fleet: SyntheticFleet, database: TrackingTarget, where: str) -> None:
    with pytest.raises(KilledError):
        dying(fleet, database, where).advance()
    assert register(fleet, database).n_registered == 3
    assert [[int(version.version) for version in versions(database, name)] for name in NAMES] == [[1], [1], [1]]
    assert [challenger(database, name) for name in NAMES] == [1, 1, 1]
    assert len(logged_models(database)) == 3


def test_a_lost_answer_leaves_no_second_version(fleet: SyntheticFleet, database: TrackingTarget) -> None:
    registration = dying(fleet, database, "answer")
    with pytest.raises(ServiceError, match="the answer was lost"):
        registration.advance()
    registration.advance()
    assert registration.n_registered == 3
    assert [len(versions(database, name)) for name in NAMES] == [1, 1, 1]


def test_a_later_cutoff_takes_the_place_and_an_earlier_one_does_not(
    fleet: SyntheticFleet, another_fleet: Callable[..., SyntheticFleet], database: TrackingTarget
) -> None:
    register(fleet, database)
    register(another_fleet(cutoff=datetime(2025, 2, 1, tzinfo=UTC)), database)
    assert challenger(database) == 2
    register(another_fleet(cutoff=datetime(2024, 6, 1, tzinfo=UTC)), database)
    assert [int(version.version) for version in versions(database)] == [1, 2, 3]
    assert challenger(database) == 2
    register(fleet, database)
    assert challenger(database) == 2


def test_another_model_of_the_same_cutoff_takes_the_place(
    fleet: SyntheticFleet, another_fleet: Callable[..., SyntheticFleet], database: TrackingTarget
) -> None:
    register(fleet, database)
    register(another_fleet(seed=5), database)
    assert challenger(database) == 2


def test_an_alias_that_somebody_took_away_stays_away(fleet: SyntheticFleet, database: TrackingTarget) -> None:
    register(fleet, database)
    client = MlflowClient(tracking_uri=database.uri)
    client.delete_registered_model_alias(NAMES[0], "challenger")
    client.set_registered_model_alias(NAMES[0], "champion", "1")
    register(fleet, database)
    assert challenger(database) is None


def test_a_verdict_that_comes_later_is_written_to_the_version(fleet: SyntheticFleet, database: TrackingTarget) -> None:
    register(fleet, database)
    reason = "delta's p 0.310 is above 0.05"
    rows = {name.removeprefix("fleetcast-"): {"promotable": False, "reason": reason} for name in NAMES}
    fleet.folder.stage("ledger").commit(facts={"families": rows})
    register(fleet, database)
    (version,) = versions(database)
    assert (version.tags["promotable"], version.tags["promotable_reason"]) == ("false", reason)
    assert f"Not promotable: {reason}." in version.description


def test_models_of_the_variants_are_left_alone(fleet: SyntheticFleet, database: TrackingTarget) -> None:
    """log-runs and register-models clean up after themselves, each its own kind."""
    register(fleet, database)
    tracker = new_tracker(database)
    tracker.open()
    assert delete_unfinished_models(tracker, fleet.args.run_key, kind="variant", finished=frozenset()) == 0
    assert delete_unfinished_models(tracker, fleet.args.run_key, kind="production", finished=frozenset()) == 3
