import os
import time
from pathlib import Path

import pytest

from fleetcast.jobs.main import run as run_command
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from printed import printed_objects
from synthetic_fleet import SyntheticFleet, fleet_args


def fleet_in(folder: Path, *, seed: int = 0) -> SyntheticFleet:
    return SyntheticFleet(fleet_args((folder / "store").as_uri(), seed=seed))


def statuses(folder: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> list[dict[str, object]]:
    assert run_command(["status", "--store", (folder / "store").as_uri(), "--json", *flags]) == 0
    return printed_objects(capsys)


def set_planned_at(fleet: SyntheticFleet, seconds: float) -> None:
    path = fleet.store.local_path(f"{fleet.folder.path}/plan/manifest.json")
    os.utime(str(path), (seconds, seconds))


def test_store_that_is_not_there_has_no_runs_and_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["status", "--store", str(tmp_path / "nothing")]) == 0
    assert capsys.readouterr().out == f"no runs in {tmp_path / 'nothing'} yet\n"
    assert not (tmp_path / "nothing").exists()


def test_empty_store_has_no_runs(tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert statuses(tmp_path, capsys) == []


def test_default_store_is_the_settings_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEETCAST_STORE", str(tmp_path / "theirs"))
    assert run_command(["status"]) == 0
    assert str(tmp_path / "theirs") in capsys.readouterr().out


def test_running_fleet_shows_what_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = fleet_in(tmp_path)
    fleet.write_early_stages()
    fleet.write_variants(stop=12)
    fleet.folder.write_failure(fleet.args.variants()[20].variant_id, "killed")
    [status] = statuses(tmp_path, capsys)
    expected = {
        "run_key": fleet.args.run_key,
        "preset": "micro",
        "dag_run_id": "manual__2025-01-01",
        "dataset_rev": fleet.args.dataset_rev,
        "done": False,
        "stages": ["plan", "features", "labels", "columns"],
        "n_variants": 36,
        "n_done": 12,
        "n_failed": 1,
        "report": None,
    }
    assert {name: status[name] for name in expected} == expected


def test_stages_after_the_first_are_shown_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = fleet_in(tmp_path)
    fleet.folder.tuning_result(2).commit()
    fleet.folder.stage("ledger").commit()
    [status] = statuses(tmp_path, capsys)
    assert status["stages"] == ["tuning/stage-2/result", "ledger"]


def test_finished_fleet_is_done_and_says_where_the_report_lies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = fleet_in(tmp_path)
    fleet.write_all()
    [status] = statuses(tmp_path, capsys)
    assert status["done"] is True
    assert (status["n_done"], status["n_skipped"], status["n_failed"]) == (36, 3, 0)
    path = fleet.store.local_path(f"{fleet.folder.path}/report/report.html")
    assert status["report"] == path.as_uri()  # type: ignore[union-attr]


def test_newest_run_is_last_and_only_the_last_ones_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleets = [fleet_in(tmp_path, seed=seed) for seed in range(3)]
    for age, fleet in zip((50, 5000, 500), fleets, strict=True):
        fleet.write_early_stages()
        set_planned_at(fleet, time.time() - age)
    keys = [fleet.args.run_key for fleet in (fleets[1], fleets[2], fleets[0])]
    assert [status["run_key"] for status in statuses(tmp_path, capsys)] == keys
    assert [status["run_key"] for status in statuses(tmp_path, capsys, "--last", "2")] == keys[1:]


def test_run_without_a_plan_is_shown(tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    RunFolder(store, "by-hand").stage("features").commit()
    assert run_command(["status", "--store", store.uri]) == 0
    out = capsys.readouterr().out
    assert "run by-hand: unfinished (no plan)" in out
    assert "stages committed: features" in out


def test_text_is_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = fleet_in(tmp_path)
    fleet.write_all()
    assert run_command(["status", "--store", fleet.args.store]) == 0
    first, second, third, fourth = capsys.readouterr().out.splitlines()
    assert first.startswith(f"run {fleet.args.run_key}: done (micro, cutoff 2025-01-01T00:00:00Z")
    assert "36 of 36 variants, 3 of them skipped, 0 failed" in second
    assert "DAG run manual__2025-01-01" in third
    assert third.endswith("s ago")
    assert fourth.endswith("/report/report.html")
