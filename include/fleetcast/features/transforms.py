"""Transforms: what a table may do to a formula's values, written as a name and a period, such as ``zscore100``."""

import re
from collections.abc import Callable

from fleetcast.errors import ConfigurationError
from fleetcast.features import rolling
from fleetcast.features.columns import Values

TRANSFORMS: dict[str, Callable[[Values, int], Values]] = {
    "accel": rolling.acceleration,  # change over so many bars minus the change before
    "autocorr": rolling.autocorrelation,  # with the value one bar before
    "change": rolling.change,  # minus the value so many bars ago
    "crossings": rolling.crossings,  # share of bars in which it went through its mean
    "highage": rolling.high_age,  # bars since it was the highest of so many
    "lag": rolling.lag,
    "lowage": rolling.low_age,  # bars since it was the lowest of so many
    "mean": rolling.mean,
    "rank": rolling.rank,  # share of so many earlier values below this one
    "run": lambda x, period: rolling.streak(rolling.side_of_mean(x, period)),  # bars above (+) or below (-) its mean
    "slope": rolling.slope,  # least squares, a bar
    "std": rolling.std,
    "zscore": rolling.zscore,
}


def apply_transform(transform: str, values: Values) -> Values:
    """The transformed values, float64 ``(n_bars,)``; ``level`` leaves them as they are.

    Raises:
        ConfigurationError: the table names a transform that does not exist.
    """
    if transform == "level":
        return values
    match = re.fullmatch(r"([a-z]+)(\d+)", transform)
    if match is None or match[1] not in TRANSFORMS:
        known = sorted(TRANSFORMS)
        raise ConfigurationError(f"unknown transform {transform!r}: expected 'level' or one of {known} with a period")
    return TRANSFORMS[match[1]](values, int(match[2]))
