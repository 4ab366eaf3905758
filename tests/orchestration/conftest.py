"""What Airflow hands to a task, and a program that stands for the trainer's."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_home import make_airflow_home
from fleetcast.job_args.base import JobArgs
from fleetcast.job_args.fleet import FleetJobArgs, TrainVariants
from fleetcast.job_args.tuning import CloseTuning, PlanFamilyTuning, PlanTuning, RunTrials, TrainProduction
from fleetcast.store.manifests import StageFolder
from fleetcast.store.objects import Store

make_airflow_home()
RUN_AFTER = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
EFFECTIVE_CUTOFF = datetime(2026, 3, 2, tzinfo=UTC)


class TaskInstance:
    """What a task leaves for others."""

    def __init__(self) -> None:
        self.xcoms: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value

    def xcom_pull(self, *, task_ids: str, key: str) -> Any:
        return self.xcoms.get(key)


@pytest.fixture
def make_context(monkeypatch: pytest.MonkeyPatch, store: Store) -> Callable[..., dict[str, Any]]:
    """Makes what Airflow hands to a task: the run, its parameters, the task instance."""
    from fleetcast.orchestration.parameters import FleetParameters

    monkeypatch.setenv("FLEETCAST_STORE", store.uri)

    def make(
        *, run_id: str = "manual__2026", data_interval_end: datetime | None = None, **params: Any
    ) -> dict[str, Any]:
        dag_run = SimpleNamespace(
            dag_id="train_fleet", run_id=run_id, run_after=RUN_AFTER, data_interval_end=data_interval_end
        )
        defaults = FleetParameters().model_dump(mode="json")
        return {"params": defaults | params, "dag_run": dag_run, "ti": TaskInstance()}

    return make


@pytest.fixture
def taken(make_context: Callable[..., dict[str, Any]], store: Store) -> Callable[[dict[str, Any]], None]:
    """Commits the snapshot that a run has asked for, as the job does."""
    from fleetcast.orchestration.planning import request_name

    def take(context: dict[str, Any]) -> None:
        name = request_name(context)
        facts = {"dataset_rev": "0123456789abcdef0123", "cutoff": EFFECTIVE_CUTOFF.isoformat()}
        StageFolder(store, f"requests/{name}", key=name).commit(facts=facts)

    return take


@pytest.fixture
def shared(store: Store) -> FleetJobArgs:
    """The arguments of a fleet of two families with four variants each."""
    return FleetJobArgs(
        store=store.uri,
        dataset_rev="0123456789abcdef0123",
        cutoff=EFFECTIVE_CUTOFF,
        symbols=("btc",),
        window_bars=(5,),
        swing_types=("high", "low"),
        deviations=(1.0, 2.0),
        thresholds=(0.5,),
        horizon_bars=(5, 10),
        n_columns=10,
        n_selection_models=1,
        feature_width="core",
    ).with_run_key()


@pytest.fixture
def own_arguments() -> dict[type[JobArgs], dict[str, Any]]:
    """What jobs need beside that, by job."""
    return {
        TrainVariants: {"shard": 0, "variants_per_pod": 3},
        PlanTuning: {"stage": 2},
        PlanFamilyTuning: {"by_hand": "btc-w5-high-1", "family_id": "btc-w5-high", "n_trials": 1},
        RunTrials: {"stage": 2, "shard": 0, "studies_per_pod": 2},
        CloseTuning: {"stage": 2},
        TrainProduction: {"shard": 0, "families_per_pod": 1},
    }


@pytest.fixture
def command(tmp_path: Path) -> Callable[[str], str]:
    """Makes a program that stands for ``fleetcast``: a shell script with the given body."""

    def make(body: str) -> str:
        path = tmp_path / "fleetcast"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return str(path)

    return make
