import pytest

from fleetcast.local.progress import FleetProgress, Rate, read_progress
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store


def test_nothing_is_known_before_the_plan(store: Store) -> None:
    assert read_progress(RunFolder(store, "k")) == FleetProgress(0, 0, 0, 0)


def test_manifests_are_counted_and_nothing_else(store: Store) -> None:
    run = RunFolder(store, "k")
    run.stage("plan").commit(facts={"n_variants": 5})
    assert read_progress(run) == FleetProgress(n_variants=5, n_done=0, n_failed=0, n_skipped=0)
    run.stage("labels").commit(facts={"counts": {"a": {"skipped": "too few events"}, "b": {"skipped": None}}})
    run.variant("a").commit()
    run.variant("b").write("model.txt", b"half done")
    run.write_failure("c", "ended by SIGKILL")
    assert read_progress(run) == FleetProgress(n_variants=5, n_done=1, n_failed=1, n_skipped=1)


def test_a_variant_that_failed_before_and_is_done_now_has_not_failed(store: Store) -> None:
    run = RunFolder(store, "k")
    run.stage("plan").commit(facts={"n_variants": 1})
    run.write_failure("a", "ended by SIGKILL")
    run.variant("a").commit()
    assert read_progress(run).n_failed == 0


def test_trials_are_those_of_the_stage_that_is_tuned_now(store: Store) -> None:
    run = RunFolder(store, "k")
    run.stage("plan").commit(facts={"n_variants": 1, "tune": True})
    assert read_progress(run).n_trials == 0
    for stage in (2, 3):
        studies = [{"study": f"s{stage}", "n_trials": 4}, {"study": f"t{stage}", "n_trials": 5}]
        run.tuning_plan(stage).commit(facts={"studies": studies})
    run.tuning_result(2).commit()
    for number in range(3):
        run.trial("t3", number).commit()
    progress = read_progress(run)
    assert (progress.n_trials, progress.n_trials_done) == (9, 3)


def test_what_an_earlier_attempt_did_does_not_count_for_the_rate() -> None:
    rate = Rate()
    rate.update(FleetProgress(0, 0, 0, 0), now=-10.0)  # before the plan
    rate.update(FleetProgress(1000, 600, 0, 0), now=0.0)
    rate.update(FleetProgress(1000, 600, 0, 0), now=50.0)  # the training has not begun
    assert rate.per_second is None
    rate.update(FleetProgress(1000, 700, 0, 0), now=60.0)
    assert rate.per_second == pytest.approx(10.0)
    assert rate.seconds_left == pytest.approx(30.0)


def test_a_fleet_that_is_done_has_a_rate_and_nothing_left() -> None:
    rate = Rate()
    for n_done, now in ((0, 0.0), (500, 50.0), (1000, 90.0), (1000, 500.0)):
        rate.update(FleetProgress(1000, n_done, 0, 0), now=now)
    assert rate.per_second == pytest.approx(10.0)
    assert rate.seconds_left is None
