from pathlib import Path

import pytest

from fleetcast.job_args.looking import RunLocal
from fleetcast.jobs.run_local import parameters_of


def test_a_run_starts_with_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLEETCAST_ENVIRONMENT", raising=False)
    assert parameters_of(RunLocal()) == {"preset": "sample", "bars": "sample", "variants_per_pod": 1080}


def test_a_run_starts_where_its_environment_does_and_an_argument_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_ENVIRONMENT", "production")
    assert parameters_of(RunLocal())["preset"] == "full"
    assert parameters_of(RunLocal())["bars"] == "s3://fleetcast-market-data/bars"
    assert parameters_of(RunLocal(preset="micro", bars="sample")) == {
        "preset": "micro",
        "bars": "sample",
        "variants_per_pod": 1080,
    }


def test_jobs_find_bars_wherever_they_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert parameters_of(RunLocal(bars="mine.csv"))["bars"] == str(tmp_path / "mine.csv")
