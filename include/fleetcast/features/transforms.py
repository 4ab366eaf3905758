"""Transforms: what a table may do to a formula's values, written as a name and a period, such as ``zscore100``."""

import re
from collections.abc import Callable

from fleetcast.errors import ConfigurationError
from fleetcast.features import rolling
from fleetcast.features.columns import Values

TRANSFORMS: dict[str, Callable[[Values, int], Values]] = {
    "change": rolling.change,  # minus the value so many bars ago
    "mean": rolling.mean,
    "rank": rolling.rank,  # share of so many earlier values below this one
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
