from collections.abc import Callable
from typing import Any

import pytest

from fleetcast.errors import RunEndedError, ServiceError, TakenOverError
from fleetcast.tracking.following import Patience, project
from synthetic_fleet import SyntheticFleet

PATIENCE = Patience(poll_seconds=3.0, idle_limit_seconds=30.0, outage_limit_seconds=10.0)


class ScriptedProjection:
    """Answers ``advance`` from a list: a number of new variants, or an error."""

    def __init__(self, *script: int | Exception, complete_at: int = 10) -> None:
        self.script = list(script)
        self.n_logged, self.n_variants, self.complete_at = 0, 10, complete_at

    @property
    def is_complete(self) -> bool:
        return self.n_logged >= self.complete_at

    @property
    def n_steps(self) -> int:
        return self.n_logged

    def has_new_results(self) -> bool:
        return False

    def advance(self) -> int:
        step = self.script.pop(0) if self.script else 0
        if isinstance(step, Exception):
            raise step
        self.n_logged += step
        return step


def run(projection: Any, passing_time: Any, *, follow: bool = True) -> float:
    return project(projection, follow=follow, patience=PATIENCE, clock=passing_time.clock)


def test_following_logs_variants_as_they_appear_and_ends_with_the_report(
    fleet: SyntheticFleet, new_projection: Callable[..., Any], passing_time: Any
) -> None:
    fleet.write_early_stages()
    fleet.write_variants(stop=5)
    projection = new_projection()
    seen = []

    def training_goes_on() -> None:
        seen.append(projection.n_logged)
        stop = 5 + 16 * len(seen)
        fleet.write_variants(start=stop - 16, stop=stop)
        if len(seen) == 2:
            fleet.write_family_bests()
        if len(seen) == 3:
            fleet.write_report("<html></html>")

    passing_time.meanwhile = training_goes_on
    run(projection, passing_time)
    assert projection.is_complete
    assert seen == [5, 21, 36]
    assert passing_time.pauses == [3.0, 3.0, 3.0]


def test_without_follow_one_look_is_enough(passing_time: Any) -> None:
    projection = ScriptedProjection(4, 6)
    run(projection, passing_time, follow=False)
    assert projection.n_logged == 4
    assert passing_time.pauses == []


def test_following_gives_up_when_nothing_new_appears(passing_time: Any) -> None:
    with pytest.raises(ServiceError, match=r"nothing new to log for 30 s: 4 of 10 variants are in MLflow"):
        run(ScriptedProjection(4), passing_time)


def test_following_ends_with_a_run_that_is_over_after_all_that_is_there(passing_time: Any) -> None:
    projection, looks = ScriptedProjection(4, 3, 2), iter([False, True])
    with pytest.raises(RunEndedError, match=r"ended without its report: 7 of 10 variants are in MLflow") as ended:
        project(projection, follow=True, patience=PATIENCE, clock=passing_time.clock, has_ended=lambda: next(looks))
    assert ended.value.exit_code == 2
    assert passing_time.pauses == [3.0]


def test_a_report_that_came_after_all_counts_more_than_the_note_of_an_end(passing_time: Any) -> None:
    projection = ScriptedProjection(10)
    project(projection, follow=True, patience=PATIENCE, clock=passing_time.clock, has_ended=lambda: True)
    assert projection.is_complete


def test_idle_time_counts_from_the_last_news(passing_time: Any) -> None:
    projection = ScriptedProjection(4, *[0] * 9, 1)
    with pytest.raises(ServiceError, match="5 of 10 variants"):
        run(projection, passing_time)
    assert passing_time.now == 60.0


def test_outage_is_waited_for(passing_time: Any) -> None:
    projection = ScriptedProjection(4, ServiceError("away"), ServiceError("away"), 6)
    run(projection, passing_time)
    assert projection.is_complete
    assert passing_time.pauses == [3.0, 1.0, 2.0]


def test_outage_that_lasts_ends_the_job(passing_time: Any) -> None:
    with pytest.raises(ServiceError, match="away"):
        run(ScriptedProjection(*[ServiceError("away")] * 20), passing_time, follow=False)
    assert passing_time.pauses == [1.0, 2.0, 4.0, 8.0]


def test_process_that_was_taken_over_ends_at_once(passing_time: Any) -> None:
    with pytest.raises(TakenOverError, match="another"):
        run(ScriptedProjection(TakenOverError("another")), passing_time)
    assert passing_time.pauses == []


def test_waiting_for_training_is_not_counted_as_cost(passing_time: Any) -> None:
    assert run(ScriptedProjection(4, 0, 0, 6), passing_time) == 0.0
    assert passing_time.now == 9.0
