import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.errors import ConfigurationError
from fleetcast.tuning.messages import StudySpec
from fleetcast.tuning.space import Range, load_space, make_space


def test_listed_is_exactly_the_sources_points() -> None:
    space = load_space("listed")
    expected = itertools.product((30, 50, 80), (5, 6, 7, 9), (0.7,), (0.01, 0.05, 0.1), (0.0, 0.01, 0.1))
    names = ("num_leaves", "max_depth", "feature_fraction", "learning_rate", "lambda_l1")
    assert space.n_points == 108
    points = [space.point(index) for index in range(108)]
    assert {tuple(point[name] for name in names) for point in points} == set(expected)


def test_broad_reaches_beyond_every_listed_value() -> None:
    listed, broad = load_space("listed"), load_space("broad")
    assert broad.n_points is None
    for name, values in listed.parameters.items():
        around = broad.parameters[name]
        assert isinstance(around, Range)
        assert isinstance(values, tuple)
        assert around.low < min(value for value in values if value > 0)
        assert around.high > max(values)


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"max_depth": []}, "max_depth has an empty list"),
        ({}, "at least 1 item"),
        ({"depth": [3]}, r"unknown parameters \['depth'\] \(1\): expected some of \['feature_fraction'"),
        ({"max_depth": [3, 3]}, r"max_depth has a value twice in \[3, 3\]"),
        ({"max_depth": [[3], [5]]}, r"parameters.max_depth.list.0.int: Input should be a valid integer \(got \[3\]\)"),
        (
            {"max_depth": {"low": 9, "high": 3}},
            r"space: parameters.max_depth.range: .* low must lie under high, got 9 and 3",
        ),
        ({"max_depth": {"low": 3}}, r"space: parameters.max_depth.range.high: Field required$"),
        (
            {"max_depth": {"low": 3, "high": 10**400}},
            "max_depth.range.high: Input should be less than or equal to 1000",
        ),
        ({"lambda_l1": {"low": 0, "high": 1, "log": True}}, "logarithmic range must start above 0"),
        ({"lambda_l1": [float("nan")]}, r"lambda_l1.list.0: Input should be .* \(got nan\)"),
        ({"max_depth": "deep"}, "max_depth"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused_in_one_line(parameters: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as refused:
        make_space(parameters)
    assert refused.value.exit_code == 2
    assert "\n" not in str(refused.value)


def test_an_unknown_space_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown space 'narrow': expected one of \['listed', 'broad'\]"):
        load_space("narrow")


def test_a_studys_name_follows_the_spaces_content_and_not_its_order() -> None:
    one = make_space({"max_depth": [3, 5], "num_leaves": [30]})
    same = make_space({"num_leaves": [30], "max_depth": [3, 5]})
    other = make_space({"num_leaves": [31], "max_depth": [3, 5]})
    names = [StudySpec(stage="test", data="rows", space=space).name for space in (one, same, other)]
    assert names[0] == names[1] != names[2]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_every_point_has_one_index(sizes: list[int]) -> None:
    names = ("max_depth", "num_leaves", "lambda_l1")
    space = make_space({name: list(range(size)) for name, size in zip(names, sizes, strict=False)})
    assert space.n_points is not None
    points = {tuple(space.point(index).items()) for index in range(space.n_points)}
    assert len(points) == space.n_points


@pytest.mark.parametrize(
    ("params", "problem"),
    [({"max_depth": 5}, "exactly the parameters"), ({"max_depth": 4, "lambda_l1": 0.5}, "max_depth=4 lies outside")],
)
def test_a_point_outside_is_refused(params: dict[str, Any], problem: str) -> None:
    space = make_space({"max_depth": [3, 5], "lambda_l1": {"low": 0.1, "high": 1.0}})
    space.check_holds({"max_depth": 3, "lambda_l1": 0.1})
    with pytest.raises(ConfigurationError, match=problem):
        space.check_holds(params)
