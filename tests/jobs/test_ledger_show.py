"""ledger show prints what a finished run's trials are worth, and refuses what it does not know in one line."""

import pytest

from fleetcast.job_args.fleet import FleetJobArgs, WriteLedger
from fleetcast.jobs.main import run
from fleetcast.store.objects import Store
from judged_run import UNJUDGED, write_judged_run
from printed import printed_objects

PLANTED = "eth-w5-high-h10-d1.0-t0.5"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> FleetJobArgs:
    return write_judged_run(Store(tmp_path_factory.mktemp("judged").as_uri()), planted=[PLANTED])


def show(judged: FleetJobArgs, *more: str) -> int:
    return run(["ledger", "show", "--run-key", judged.run_key, "--store", judged.store, *more])


def test_the_fleet_is_told_in_a_few_lines_and_two_a_family(judged: FleetJobArgs, capsys) -> None:
    assert show(judged) == 0
    summary, families = capsys.readouterr().out.split("\n\n")
    assert f"run {judged.run_key}: 36 trials: 30 finished, 3 unjudged, 3 skipped" in summary
    assert "60 tests, by delta and direction, on the same 1,000 draws of 45 blocks of 40 bars" in summary
    assert "looks at the holdout: 3 in this run, 3 in all runs on the same bars" in summary
    assert "promotable: eth-w5-high of 3 families" in summary
    heading, *lines = families.splitlines()
    assert len(lines) == 6
    assert [line.split()[0] for line in lines[::2]] == [
        "btc-w5-high-h10-d1.0-t0.5",
        PLANTED,
        "sol-w5-high-h10-d1.0-t0.5",
    ]
    assert lines[3] == "    promotable"
    assert lines[1].startswith("    not promotable: delta's p ")
    assert len(heading) == len(lines[0])
    assert lines[2].endswith("0.001   0.520    0.001")


def test_json_is_the_runs_line_and_one_a_family(judged: FleetJobArgs, capsys) -> None:
    assert show(judged, "--json") == 0
    fleet, *families = printed_objects(capsys)
    assert fleet["promotable"] == ["eth-w5-high"]
    assert fleet["n_by_state"] == {"skipped": 3, "finished": 30, "unjudged": 3}
    assert 2 < fleet["expected_best"] < 3
    assert [family["family_id"] for family in families] == ["btc-w5-high", "eth-w5-high", "sol-w5-high"]
    assert [family["promotable"] for family in families] == [False, True, False]
    assert families[1]["best"]["statistics"]["delta"]["p"] == pytest.approx(1 / 1001)


def test_a_family_shows_all_its_trials_the_smallest_p_first(judged: FleetJobArgs, capsys) -> None:
    assert show(judged, "--family", "eth-w5-high") == 0
    _, family, trials = capsys.readouterr().out.split("\n\n")
    assert family.splitlines()[0] == "eth-w5-high: 12 trials: 10 finished, 1 unjudged, 1 skipped"
    assert f"best: {PLANTED}; holdout: delta +0.010, direction 0.520; p of the family: delta 0.001, " in family
    assert "; promotable" in family
    _, *lines = trials.splitlines()
    assert len(lines) == 12
    assert lines[0].startswith(PLANTED)
    assert sum(f"unjudged: {UNJUDGED}" in line for line in lines) == 1


def test_a_familys_json_has_a_line_for_each_trial(judged: FleetJobArgs, capsys) -> None:
    assert show(judged, "--family", "eth-w5-high", "--json") == 0
    fleet, family, *trials = printed_objects(capsys)
    assert fleet["run_key"] == judged.run_key
    assert family["family_id"] == "eth-w5-high"
    assert [trial["trial"]["family_id"] for trial in trials] == ["eth-w5-high"] * 12
    assert {trial["trial"]["state"] for trial in trials} == {"skipped", "finished", "unjudged"}


def test_an_unknown_family_is_refused(judged: FleetJobArgs, capsys) -> None:
    assert show(judged, "--family", "eth-w9-high") == 2
    expected = "ledger show: no family 'eth-w9-high' in this run: the nearest of its 3 is 'eth-w5-high'"
    assert capsys.readouterr().err.splitlines()[-1].startswith(expected)


@pytest.mark.parametrize("empty", [True, False])
def test_an_unknown_run_is_refused(judged: FleetJobArgs, tmp_path, capsys, empty: bool) -> None:
    uri = str(tmp_path / "nowhere") if empty else judged.store
    assert run(["ledger", "show", "--run-key", "0000", "--store", uri]) == 2
    expected = f"ledger show: no run '0000' in {uri}: it holds {0 if empty else 1} runs"
    assert capsys.readouterr().err.splitlines()[-1].startswith(expected)
    assert not (tmp_path / "nowhere").exists()


def test_an_unfinished_run_is_refused(judged: FleetJobArgs, tmp_path, capsys) -> None:
    store = Store(str(tmp_path / "store"))
    store.write("runs/0000/plan/manifest.json", Store(judged.store).read(f"runs/{judged.run_key}/plan/manifest.json"))
    assert run(["ledger", "show", "--run-key", "0000", "--store", store.uri]) == 1
    assert "stage 'family_bests' has no manifest" in capsys.readouterr().err.splitlines()[-1]


def test_the_ledger_that_a_run_keeps_is_shown_as_it_is(tmp_path, capsys) -> None:
    tuned = write_judged_run(Store(str(tmp_path / "store")), planted=[PLANTED], tune=True)
    capsys.readouterr()
    assert show(tuned) == 0
    made = capsys.readouterr().out
    assert run(tuned.for_job(WriteLedger).to_argv()) == 0
    capsys.readouterr()
    Store(tuned.store).delete(f"runs/{tuned.run_key}/holdout/manifest.json")  # nothing is made of it any more
    assert show(tuned) == 0
    assert capsys.readouterr().out == made
    assert f"{PLANTED} stage 4 trial 3" in made
    assert "64 trials: 44 finished, 3 unjudged, 3 skipped, 7 pruned, 7 failed" in made
