"""Drawings of a sequence model's report: lines and bars between two axes, as plain places for a template."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fleetcast.evaluation.report_scales import Axis, Bar, Tick, nice_step

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 380, 230, 46, 12, 12, 42


@dataclass(frozen=True)
class Series:
    """A line through points, or bars at them; ``style`` is a class of the page's."""

    name: str
    points: Sequence[tuple[float, float]]
    style: str
    bar_width: float | None = None  # in units of x; None: a line


@dataclass(frozen=True)
class Drawn:
    """A series, placed."""

    name: str
    style: str
    line: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Plot:
    """One drawing."""

    title: str
    x_label: str
    y_label: str
    series: Sequence[Drawn]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    base: float = HEIGHT - BOTTOM


def draw_plot(
    title: str,
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    x_ticks: Sequence[tuple[float, str]] | None = None,
) -> Plot:
    """Places the series; ranges that are not given hold all points.

    Args:
        title: what the drawing shows.
        series: at least one, with at least one point.
        x_label: with its unit.
        y_label: likewise.
        x_range: of the axis.
        y_range: of the axis.
        x_ticks: values and labels instead of round numbers, such as dates.
    """
    x_low, x_high = x_range or _spread([x for one in series for x, _ in one.points])
    y_low, y_high = y_range or _spread([y for one in series for _, y in one.points])
    x, y = Axis(x_low, x_high, LEFT, WIDTH - RIGHT), Axis(y_low, y_high, HEIGHT - BOTTOM, TOP)
    ticks = x.ticks(6) if x_ticks is None else [Tick(x.place(value), label) for value, label in x_ticks]
    return Plot(title, x_label, y_label, [_drawn(one, x, y) for one in series], ticks, y.ticks(5))


def _drawn(series: Series, x: Axis, y: Axis) -> Drawn:
    known = [(a, b) for a, b in series.points if math.isfinite(a) and math.isfinite(b)]
    if series.bar_width is None:
        return Drawn(series.name, series.style, " ".join(f"{x.place(a)},{y.place(b)}" for a, b in known), ())
    half = series.bar_width / 2
    bars = []
    for a, b in known:
        left, right, top = x.place(a - half), x.place(a + half), y.place(b)
        bars.append(Bar(left, top, round(max(0.5, right - left - 0.8), 1), round(y.start - top, 1), f"{a:g}: {b:g}"))
    return Drawn(series.name, series.style, "", bars)


def _spread(values: Sequence[float]) -> tuple[float, float]:
    known = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(known), max(known)
    if low == high:
        return low - 0.5, high + 0.5
    step = nice_step((high - low) / 6)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
