"""Histograms of standardised results over all judged variants, against the best of as many draws of noise."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from fleetcast.evaluation.report_inputs import ReportInputs
from fleetcast.evaluation.report_noise import NoiseBand, noise_band, standardised
from fleetcast.evaluation.report_scales import Axis, Bar, Tick, nice_step

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 380, 210, 40, 10, 10, 30
MAX_BARS = 60
N_CURVE_POINTS = 90


@dataclass(frozen=True)
class Histogram:
    """One drawing; the band is that of the best of ``band.n`` independent draws of noise."""

    name: str
    meaning: str
    width: float
    height: float
    base: float  # y of the axis
    left: float
    right: float
    top: float
    bars: Sequence[Bar]
    curve: str  # points of noise's expected counts
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    band: NoiseBand
    x_band: tuple[float, float]
    x_expected: float
    largest: float
    n_beyond: int  # values above the band


def draw_histograms(inputs: ReportInputs) -> list[Histogram]:
    """Score, delta and direction, each in standard errors from what nothing gives; none without judged variants."""
    metrics = [r.metrics for r in inputs.judged]
    measures = (
        ("score", "above the random baseline: volatility", [m.get("score") for m in metrics]),
        ("delta", "above the structure baseline", [standardised(m, "delta", nothing=0.0) for m in metrics]),
        ("direction", "from one half", [standardised(m, "direction", nothing=0.5) for m in metrics]),
    )
    known = [(name, meaning, [v for v in values if v is not None]) for name, meaning, values in measures]
    return [draw_histogram(name, values, meaning=meaning) for name, meaning, values in known if values]


def draw_histogram(name: str, values: Sequence[float], *, meaning: str) -> Histogram:
    """One drawing of at least one value."""
    band = noise_band(len(values))
    low, high = min(-4.0, *values), max(band.high + 0.5, *values)
    step = max(0.5, nice_step((high - low) / MAX_BARS))
    low, high = math.floor(low / step) * step, (math.floor(high / step) + 1) * step
    counts = Counter(math.floor(value / step) for value in values)
    expected = [(z, _noise_count(z, n=len(values), step=step)) for z in _points(low, high)]
    x = Axis(low, high, LEFT, WIDTH - RIGHT)
    y = Axis(0.0, max([*counts.values(), *(count for _, count in expected)]), HEIGHT - BOTTOM, TOP)
    return Histogram(
        name=name,
        meaning=meaning,
        width=WIDTH,
        height=HEIGHT,
        base=y.start,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        bars=[_bar(i, count, x=x, y=y, step=step) for i, count in sorted(counts.items())],
        curve=" ".join(f"{x.place(z)},{y.place(count)}" for z, count in expected),
        x_ticks=x.ticks(8),
        y_ticks=y.ticks(4),
        band=band,
        x_band=(x.place(band.low), x.place(band.high)),
        x_expected=x.place(band.expected),
        largest=max(values),
        n_beyond=sum(value > band.high for value in values),
    )


def _bar(index: int, count: int, *, x: Axis, y: Axis, step: float) -> Bar:
    left, right, top = x.place(index * step), x.place((index + 1) * step), y.place(count)
    return Bar(
        x=left,
        y=top,
        width=round(max(0.5, right - left - 0.6), 1),
        height=round(y.start - top, 1),
        title=f"{index * step:g} to {(index + 1) * step:g}: {count:,} variants",
    )


def _points(low: float, high: float) -> list[float]:
    return [low + (high - low) * i / (N_CURVE_POINTS - 1) for i in range(N_CURVE_POINTS)]


def _noise_count(z: float, *, n: int, step: float) -> float:
    return n * step * NormalDist().pdf(z)
