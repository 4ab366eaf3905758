from pathlib import Path

import pytest

from fleetcast.job_args.fleet import WriteReport
from fleetcast.jobs.main import run as run_command
from fleetcast.store.objects import digest_bytes
from synthetic_fleet import SyntheticFleet, fleet_args


@pytest.fixture
def fleet(tmp_path: Path) -> SyntheticFleet:
    return SyntheticFleet(fleet_args((tmp_path / "store").as_uri(), WriteReport))


def test_report_is_committed_with_the_run_and_its_place_is_said(
    fleet: SyntheticFleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.write_all(report=None)
    assert run_command(fleet.args.to_argv()) == 0
    folder = fleet.folder.stage("report")
    html = folder.read("report.html")
    assert capsys.readouterr().out == f"report: {fleet.store.uri}/{folder.path}/report.html\n"
    assert html.startswith(b"<!doctype html>")
    manifest = folder.require()
    assert manifest.outputs == {"report.html": digest_bytes(html)}
    assert manifest.facts["n_variants"] == 36
    assert manifest.facts["n_family_bests"] == 3
    assert "family_bests" in manifest.inputs


def test_second_time_changes_nothing(fleet: SyntheticFleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.write_all(report="<html>the first</html>")
    assert run_command(fleet.args.to_argv()) == 0
    assert fleet.folder.stage("report").read("report.html") == b"<html>the first</html>"
    assert "report.html" in capsys.readouterr().out


def test_before_the_family_bests_it_ends_with_1_and_leaves_nothing(
    fleet: SyntheticFleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.write_early_stages()
    assert run_command(fleet.args.to_argv()) == 1
    assert "stage 'family_bests' has no manifest" in capsys.readouterr().err.splitlines()[-1]
    assert not list(fleet.store.list_objects(f"{fleet.folder.path}/report"))
