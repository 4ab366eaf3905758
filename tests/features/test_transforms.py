"""Transforms by name."""

import numpy as np
import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.features import rolling
from fleetcast.features.transforms import apply_transform

X = np.random.default_rng(0).normal(size=50)


def test_level_leaves_values_as_they_are():
    assert apply_transform("level", X) is X


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ("change5", rolling.change(X, 5)),
        ("zscore20", rolling.zscore(X, 20)),
        ("rank10", rolling.rank(X, 10)),
        ("mean3", rolling.mean(X, 3)),
        ("accel2", rolling.acceleration(X, 2)),
        ("autocorr20", rolling.autocorrelation(X, 20)),
        ("crossings10", rolling.crossings(X, 10)),
        ("highage10", rolling.high_age(X, 10)),
        ("lag2", rolling.lag(X, 2)),
        ("lowage10", rolling.low_age(X, 10)),
        ("run10", rolling.streak(rolling.side_of_mean(X, 10))),
        ("slope5", rolling.slope(X, 5)),
        ("std10", rolling.std(X, 10)),
    ],
)
def test_name_and_period_choose_the_function(transform, expected):
    np.testing.assert_array_equal(apply_transform(transform, X), expected)


@pytest.mark.parametrize("transform", ["zscore", "median5", "5", "change-5"])
def test_unknown_transform_is_refused(transform):
    with pytest.raises(ConfigurationError, match=f"unknown transform '{transform}': expected 'level' or one of"):
        apply_transform(transform, X)
