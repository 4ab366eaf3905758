from pathlib import Path

import pytest

from fleetcast.job_args.looking import RunLocal
from fleetcast.jobs.main import run
from fleetcast.jobs.run_local import FAMILIES_PER_POD, parameters_of

REPOSITORY = Path(__file__).parents[2]


def test_a_run_starts_with_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLEETCAST_ENVIRONMENT", raising=False)
    assert parameters_of(RunLocal()) == {
        "preset": "sample",
        "bars": "sample",
        "tune": False,
        "variants_per_pod": 1080,
        "families_per_pod": FAMILIES_PER_POD,
    }


def test_a_run_starts_where_its_environment_does_and_an_argument_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_ENVIRONMENT", "production")
    assert parameters_of(RunLocal())["preset"] == "full"
    assert parameters_of(RunLocal())["bars"] == "s3://fleetcast-market-data/bars"
    assert parameters_of(RunLocal())["tune"] is True
    assert parameters_of(RunLocal(preset="micro", bars="sample", tune=False)) == {
        "preset": "micro",
        "bars": "sample",
        "tune": False,
        "variants_per_pod": 1080,
        "families_per_pod": FAMILIES_PER_POD,
    }


def test_jobs_find_bars_wherever_they_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert parameters_of(RunLocal(bars="mine.csv"))["bars"] == str(tmp_path / "mine.csv")


def test_bars_that_the_run_would_refuse_are_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(REPOSITORY)
    bars = tmp_path / "mine.csv"
    bars.write_text("timestamp,symbol,open,high,low,close,volume\n2024-01-01T00:00:00Z,BTC/USDT,1,2,,1,1\n")
    home = tmp_path / "home"
    assert run(["run-local", "--bars", str(bars), "--home", str(home)]) == 2
    assert "low is missing" in capsys.readouterr().err.splitlines()[-1]
    assert not home.exists()


def test_bars_too_few_for_the_fleet_are_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(REPOSITORY)
    bars = tmp_path / "mine.csv"
    header, hour = "timestamp,symbol,open,high,low,close,volume", "2024-01-01T{:02d}:00:00Z,{}/USDT,1,2,1,1,1"
    bars.write_text("\n".join([header, *(hour.format(i, s) for s in ("BTC", "ETH", "SOL") for i in range(24))]))
    assert run(["run-local", "--preset", "micro", "--bars", str(bars), "--home", str(tmp_path / "home")]) == 2
    assert "too few bars: btc has 24 bars" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "home").exists()
