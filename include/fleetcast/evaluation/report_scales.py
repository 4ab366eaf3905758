"""Axes and bars: from values to places on a drawing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Tick:
    """A labelled place."""

    at: float
    label: str


@dataclass(frozen=True)
class Bar:
    """One bar, in drawing units."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True)
class Axis:
    """Maps ``low`` to the place ``start`` and ``high`` to ``stop``, in drawing units."""

    low: float
    high: float
    start: float
    stop: float

    def place(self, value: float) -> float:
        """Where the value lies, to a tenth of a unit; values beyond the axis lie at its end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.stop - self.start), 1)

    def ticks(self, n_about: int) -> list[Tick]:
        """Round values on the axis, about so many."""
        step = nice_step((self.high - self.low) / n_about)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        values = [i * step + 0.0 for i in range(first, last + 1)]
        return [Tick(self.place(value), f"{value:.{decimals}f}".replace("-", "−")) for value in values]


def nice_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times powers of ten that is at least ``least``; 1 when that is not above 0."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def axis_around(values: Sequence[float], *, centre: float, start: float, stop: float, least: float) -> Axis:
    """An axis with round ends that holds all values and at least ``least`` on both sides of the centre."""
    low, high = min([*values, centre - least]), max([*values, centre + least])
    step = nice_step((high - low) / 8)
    return Axis(math.floor(low / step) * step, math.ceil(high / step) * step, start, stop)
