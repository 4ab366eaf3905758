import numpy as np
import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.tuning.narrowing import around, span
from fleetcast.tuning.planned_study import default_point
from fleetcast.tuning.space import Range, Space, load_space, make_space
from found_studies import draw_point


@pytest.mark.parametrize("name", ["broad", "listed"])
def test_a_span_holds_its_points_and_no_end_beyond_them(name: str) -> None:
    space, rng = load_space(name), np.random.default_rng(1)
    points = [draw_point(space, rng) for _ in range(4)]
    narrowed = span(space, points)
    for point in points:
        narrowed.check_holds(point)
    for parameter, allowed in narrowed.parameters.items():
        ends = (allowed.low, allowed.high) if isinstance(allowed, Range) else (allowed[0], allowed[-1])
        values = [point[parameter] for point in points]
        assert ends == (min(values), max(values))


def test_a_span_of_a_list_keeps_what_lies_between() -> None:
    space = make_space({"max_depth": [5, 6, 7, 9]})
    assert span(space, [{"max_depth": 9}, {"max_depth": 6}]) == make_space({"max_depth": [6, 7, 9]})


def test_a_span_of_one_value_is_that_value() -> None:
    space = make_space({"max_depth": {"low": 3, "high": 12}, "learning_rate": {"low": 0.1, "high": 1.0}})
    point = {"max_depth": 5, "learning_rate": 1.0}
    assert span(space, [point]).parameters == {"learning_rate": (1.0,), "max_depth": (5,)}


def test_a_range_of_real_numbers_stays_one_when_its_points_are_whole() -> None:
    space = make_space({"learning_rate": {"low": 0.5, "high": 4.0}})
    narrowed = span(space, [{"learning_rate": 1}, {"learning_rate": 2}]).parameters["learning_rate"]
    assert isinstance(narrowed, Range)
    assert not narrowed.is_whole


def test_a_space_around_a_point_is_a_quarter_as_wide() -> None:
    space = make_space(
        {
            "feature_fraction": {"low": 0.2, "high": 1.0},
            "learning_rate": {"low": 0.01, "high": 0.16, "log": True},
            "max_depth": {"low": 3, "high": 11},
            "num_leaves": [30, 50, 80],
        }
    )
    narrowed = around(space, {"feature_fraction": 0.5, "learning_rate": 0.04, "max_depth": 7, "num_leaves": 30})
    assert narrowed.parameters == {
        "feature_fraction": Range(low=0.4, high=0.6),
        "learning_rate": Range(low=0.0282843, high=0.0565685, log=True),
        "max_depth": Range(low=6, high=8),
        "num_leaves": (30, 50),
    }


def test_whole_numbers_keep_a_neighbour_on_each_side() -> None:
    space = make_space({"max_depth": {"low": 3, "high": 6}})
    assert around(space, {"max_depth": 5}) == make_space({"max_depth": {"low": 4, "high": 6}})
    assert around(space, {"max_depth": 6}) == make_space({"max_depth": {"low": 5, "high": 6}})


@pytest.mark.parametrize("name", ["broad", "listed"])
def test_a_space_around_any_point_holds_it_and_lies_within(name: str) -> None:
    space, rng = load_space(name), np.random.default_rng(2)
    for _ in range(50):
        point = draw_point(space, rng)
        narrowed = around(space, point)
        narrowed.check_holds(point)
        space.check_holds(draw_point(narrowed, rng))
        assert Space.model_validate_json(narrowed.model_dump_json()) == narrowed


def test_what_is_no_point_of_the_space_is_refused() -> None:
    space = load_space("listed")
    with pytest.raises(ConfigurationError, match="lies outside the space"):
        around(space, {**default_point(space), "max_depth": 8})
    with pytest.raises(ConfigurationError, match="lies outside the space"):
        span(space, [{**default_point(space), "max_depth": 8}])
    with pytest.raises(ConfigurationError, match="without a point"):
        span(space, [])
