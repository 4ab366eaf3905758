"""The job train-production: what it commits, and what a kill leaves to do."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fleetcast.fleet.results import ProductionResult
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.job_args.tuning import TrainProduction
from fleetcast.jobs.main import run
from fleetcast.store.manifests import Manifest, RunFolder
from fleetcast.store.objects import Store

FLEETCAST = Path(sys.executable).with_name("fleetcast")


def argv(args: FleetJobArgs, **more: object) -> list[str]:
    return args.for_job(TrainProduction, **{"shard": 0, "families_per_pod": 3, "n_processes": 1, **more}).to_argv()


def folder_of(args: FleetJobArgs) -> RunFolder:
    return RunFolder(Store(args.store), args.run_key)


def committed(args: FleetJobArgs) -> dict[str, Manifest]:
    found = {f.family_id: folder_of(args).production_model(f.family_id).committed() for f in args.families()}
    return {family_id: manifest for family_id, manifest in found.items() if manifest is not None}


@pytest.fixture(scope="module")
def produced(new_production_run: Callable[..., FleetJobArgs]) -> FleetJobArgs:
    args = new_production_run(seed=2)
    assert run(argv(args)) == 0
    return args


def test_every_family_ends_with_a_model_or_a_reason(produced: FleetJobArgs) -> None:
    manifests = committed(produced)
    results = {family_id: ProductionResult.model_validate(m.facts) for family_id, m in manifests.items()}
    assert {family_id: result.status for family_id, result in results.items()} == {
        "btc-w5-high": "trained",
        "eth-w5-high": "trained",
        "sol-w5-high": "skipped",
    }
    assert results["sol-w5-high"].reason == "no variant of the family was chosen"
    assert manifests["sol-w5-high"].outputs == {}
    for family_id in ("btc-w5-high", "eth-w5-high"):
        assert set(manifests[family_id].outputs) == {"model.txt"}
        assert set(manifests[family_id].inputs) == {"production_columns", "labels", "certificate", "checks", "choice"}
        assert results[family_id].training_cpu_seconds > 0
        log = folder_of(produced).store.read(f"runs/{produced.run_key}/production/models/{family_id}/train.log")
        assert family_id in log.decode()


def test_shards_train_their_own_families(
    produced: FleetJobArgs, new_production_run: Callable[..., FleetJobArgs]
) -> None:
    args = new_production_run(seed=3)
    assert run(argv(args, shard=1, families_per_pod=1)) == 0
    assert list(committed(args)) == ["eth-w5-high"]


def test_a_shard_that_the_fleet_does_not_have_ends_with_2(
    produced: FleetJobArgs, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(argv(produced, shard=2, families_per_pod=2)) == 2
    assert "no shard 2: expected one of 0 to 1" in capsys.readouterr().err


def test_a_killed_job_is_gone_on_with_and_trains_nothing_twice(produced: FleetJobArgs) -> None:
    """The run is emptied of its models and trained again, killed as soon as the first is there."""
    expected = {family_id: manifest.outputs for family_id, manifest in committed(produced).items()}
    store = Store(produced.store)
    shutil.rmtree(store.local_path(f"runs/{produced.run_key}/production/models"))
    job = subprocess.Popen([str(FLEETCAST), *argv(produced)], stderr=subprocess.DEVNULL)
    while job.poll() is None and "btc-w5-high" not in committed(produced):
        time.sleep(0.01)
    job.send_signal(signal.SIGKILL)
    job.wait(timeout=30)
    first = store.local_path(f"runs/{produced.run_key}/production/models/btc-w5-high/manifest.json")
    written = first.stat().st_mtime_ns
    assert run(argv(produced)) == 0
    assert {family_id: manifest.outputs for family_id, manifest in committed(produced).items()} == expected
    assert first.stat().st_mtime_ns == written


def test_a_model_that_takes_too_long_ends_with_1_and_its_name(
    new_production_run: Callable[..., FleetJobArgs], capsys: pytest.CaptureFixture[str]
) -> None:
    args = new_production_run(seed=4)
    assert run(argv(args, time_limit_seconds=0.01)) == 1
    assert "2 production models failed: btc-w5-high: took longer than 0.01 s" in capsys.readouterr().err
