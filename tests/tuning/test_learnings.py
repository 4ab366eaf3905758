import pytest

from fleetcast.fleet.variants import Family
from fleetcast.tuning.finished_study import completed
from fleetcast.tuning.learnings import LEAST_IMPORTANCE, MAX_STARTS, Learnings, choose_space, choose_starts, learn
from fleetcast.tuning.planned_study import default_point
from fleetcast.tuning.space import Params, Range, load_space
from found_studies import find_study

BROAD = load_space("broad")
DEFAULT = default_point(BROAD)


def family(window_bars: int) -> Family:
    return Family(symbol="btc", window_bars=window_bars, swing_type="high")


def point(**changes: float) -> Params:
    return {**DEFAULT, **changes}


def taught(points: dict[int, list[Params]], *, unimportant: tuple[str, ...] = ()) -> Learnings:
    by_family = {family(window).family_id: tuple(own) for window, own in points.items()}
    return Learnings(
        good_points=by_family, good_regions=dict.fromkeys(by_family, BROAD), importances={}, unimportant=unimportant
    )


def test_the_best_quarter_is_good_and_its_span_a_region() -> None:
    found = find_study(BROAD, 40, score=lambda p: -abs(p["max_depth"] - 6) - p["feature_fraction"])
    learnings = learn({"btc-w5-high": found})
    good = learnings.good_points["btc-w5-high"]
    assert good == tuple(trial.params for trial in completed(found)[:10])
    region = learnings.good_regions["btc-w5-high"]
    assert region is not None
    depth = region.parameters["max_depth"]
    assert isinstance(depth, Range)
    assert (depth.low, depth.high) == (min(p["max_depth"] for p in good), max(p["max_depth"] for p in good))
    assert depth.high - depth.low < 12 - 3


def test_what_decides_is_important_and_what_does_not_is_not() -> None:
    found = find_study(BROAD, 200, score=lambda p: -abs(p["max_depth"] - 6))
    learnings = learn({"btc-w5-high": found})
    importances = learnings.importances["btc-w5-high"]
    assert max(importances, key=importances.__getitem__) == "max_depth"
    assert sum(importances.values()) == pytest.approx(1)
    assert set(learnings.unimportant) == {name for name, value in importances.items() if value < LEAST_IMPORTANCE}
    assert learnings.unimportant


def test_importances_of_some_dozen_trials_are_shown_and_fix_nothing() -> None:
    few, enough = (find_study(BROAD, n, score=lambda p: -abs(p["max_depth"] - 6)) for n in (39, 40))
    assert min(learn({"btc-w5-high": few}).importances["btc-w5-high"].values()) < LEAST_IMPORTANCE
    assert learn({"btc-w5-high": few}).unimportant == ()
    assert learn({"btc-w5-high": enough}).unimportant


def test_few_trials_teach_starts_alone() -> None:
    found = find_study(BROAD, 9, score=lambda p: p["max_depth"])
    learnings = learn({"btc-w5-high": found})
    assert learnings.good_regions == {"btc-w5-high": None}
    starts = choose_starts(learnings, 5, representatives=[family(5)], default=DEFAULT)
    assert starts == (DEFAULT, *(trial.params for trial in completed(found)[:2]))
    assert choose_space(BROAD, learnings, representative=family(5), starts=starts) == BROAD


def test_a_study_without_a_completed_trial_teaches_nothing() -> None:
    learnings = learn({"btc-w5-high": find_study(BROAD, 2, score=lambda p: 1.0, ends=["failed", "failed"])})
    assert choose_starts(learnings, 5, representatives=[family(5)], default=DEFAULT) == (DEFAULT,)
    assert choose_space(BROAD, learnings, representative=family(5), starts=[DEFAULT]) == BROAD


def test_starts_are_the_default_then_the_windows_own_then_the_nearest_windows() -> None:
    points = {window: [point(max_depth=7, num_leaves=window + k) for k in (30, 31, 32)] for window in (2, 5, 20)}
    starts = choose_starts(taught(points), 5, representatives=[family(w) for w in points], default=DEFAULT)
    assert [start["num_leaves"] for start in starts] == [30, 35, 36, 32, 50]


def test_starts_are_five_at_most_and_none_comes_twice() -> None:
    points = {window: [point(max_depth=7), point(max_depth=window + 1)] for window in (2, 3, 5, 10)}
    learnings = taught(points)
    representatives = [family(window) for window in points]
    starts = choose_starts(learnings, 3, representatives=representatives, default=DEFAULT)
    assert starts == (DEFAULT, point(max_depth=7), point(max_depth=4))
    many = taught({window: [point(num_leaves=window + 30)] for window in range(2, 20)})
    starts = choose_starts(many, 3, representatives=[family(w) for w in range(2, 20)], default=DEFAULT)
    assert len(starts) == MAX_STARTS


def test_an_unimportant_parameter_stays_at_its_default() -> None:
    learnings = taught({5: [point(lambda_l1=0.5, max_depth=8), point(lambda_l1=0.7)]}, unimportant=("lambda_l1",))
    starts = choose_starts(learnings, 5, representatives=[family(5)], default=DEFAULT)
    assert starts == (DEFAULT, point(max_depth=8))
    space = choose_space(BROAD, learnings, representative=family(5), starts=starts)
    assert space.parameters["lambda_l1"] == (DEFAULT["lambda_l1"],)
    assert space.parameters["max_depth"] == Range(low=5, high=8)
    for start in starts:
        space.check_holds(start)


def test_a_region_is_as_wide_as_its_starts() -> None:
    points = {5: [point(max_depth=7), point(max_depth=8)], 20: [point(max_depth=12)]}
    learnings = taught(points)
    starts = choose_starts(learnings, 5, representatives=[family(w) for w in points], default=DEFAULT)
    space = choose_space(BROAD, learnings, representative=family(5), starts=starts)
    assert space.parameters["max_depth"] == Range(low=5, high=12)
    assert space.parameters["num_leaves"] == (30,)
