"""Smaller spaces inside a space: one that just holds some points, or one around a point."""

import math
from collections.abc import Sequence

from fleetcast.errors import ConfigurationError
from fleetcast.tuning.space import Choice, Params, Range, Space, Value

KEPT_SHARE = 0.25  # of a range's width, on its own scale, around a point


def span(space: Space, points: Sequence[Params]) -> Space:
    """The smallest ranges, and runs of a list's neighbours, that hold all points.

    Raises:
        ConfigurationError: there is no point, or one of them lies outside the space.
    """
    if not points:
        raise ConfigurationError("cannot narrow a space without a point to hold")
    for point in points:
        space.check_holds(point)
    return Space(
        parameters={
            name: _span_of(allowed, [point[name] for point in points]) for name, allowed in space.parameters.items()
        }
    )


def around(space: Space, point: Params) -> Space:
    """A quarter of each range around the point, cut at the space's ends; of a list the value and its neighbours.

    Source: own choice; two parameters usually decide, so a quarter of each makes a trial worth sixteen of the whole.

    Raises:
        ConfigurationError: the point lies outside the space.
    """
    space.check_holds(point)
    return Space(parameters={name: _around(allowed, point[name]) for name, allowed in space.parameters.items()})


def _span_of(allowed: Choice | Range, values: Sequence[Value]) -> Choice | Range:
    if not isinstance(allowed, Range):
        places = [allowed.index(value) for value in values]
        return allowed[min(places) : max(places) + 1]
    if min(values) == max(values):
        return (values[0],)
    kind = int if allowed.is_whole else float
    return allowed.model_copy(update={"low": kind(min(values)), "high": kind(max(values))})


def _around(allowed: Choice | Range, value: Value) -> Choice | Range:
    if not isinstance(allowed, Range):
        place = allowed.index(value)
        return allowed[max(place - 1, 0) : place + 2]
    if allowed.log:
        factor = (allowed.high / allowed.low) ** (KEPT_SHARE / 2)
        low, high = value / factor, value * factor
    else:
        half = (allowed.high - allowed.low) * KEPT_SHARE / 2
        low, high = value - half, value + half
    if allowed.is_whole:  # one value to each side at least
        low, high = min(math.ceil(low), value - 1), max(math.floor(high), value + 1)
    else:
        low, high = _short(low), _short(high)
    return allowed.model_copy(update={"low": max(low, allowed.low), "high": min(high, allowed.high)})


def _short(value: float) -> float:
    """Six digits: the last ones decide nothing, and differ between machines."""
    return float(f"{value:.6g}")
