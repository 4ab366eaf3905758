"""The forest plot: delta and direction of every family best with 95 % intervals, on validation and on the holdout."""

from collections.abc import Sequence
from dataclasses import dataclass

from fleetcast.evaluation.report_scales import Axis, Tick, axis_around
from fleetcast.evaluation.report_summary import NOTHING, Part, side_of_nothing
from fleetcast.fleet.results import FamilyBest

LABEL_WIDTH, PANEL_WIDTH, GAP = 104, 400, 36
ROW_HEIGHT, TOP, BOTTOM = 22, 34, 30
OFFSET = {"validation": -4.0, "holdout": 4.0}  # from the middle of the row
TITLES = {"delta": "delta: macro average precision above the structure baseline", "direction": "direction: ROC AUC"}


@dataclass(frozen=True)
class Interval:
    """One interval with its estimate, in drawing units."""

    y: float
    x: float
    x_low: float
    x_high: float
    part: str
    side: int  # of nothing: 1, -1 or 0
    title: str


@dataclass(frozen=True)
class Panel:
    """One metric: its axis, the line of nothing and the intervals."""

    title: str
    start: float
    stop: float
    ticks: Sequence[Tick]
    x_nothing: float
    intervals: Sequence[Interval]


@dataclass(frozen=True)
class Forest:
    """The whole drawing."""

    width: float
    height: float
    label_x: float
    rows: Sequence[Tick]  # the families, by the middle of their row
    row_height: float
    bottom: float  # where the axes lie
    panels: Sequence[Panel]


def draw_forest(chosen: Sequence[FamilyBest]) -> Forest | None:
    """The drawing; None without a family best."""
    if not chosen:
        return None
    middles = [TOP + ROW_HEIGHT * (i + 0.5) for i in range(len(chosen))]
    starts = [LABEL_WIDTH, LABEL_WIDTH + PANEL_WIDTH + GAP]
    return Forest(
        width=starts[-1] + PANEL_WIDTH + 12,
        height=TOP + ROW_HEIGHT * len(chosen) + BOTTOM,
        label_x=LABEL_WIDTH - 12,
        rows=[Tick(y, best.family_id) for y, best in zip(middles, chosen, strict=True)],
        row_height=ROW_HEIGHT,
        bottom=TOP + ROW_HEIGHT * len(chosen),
        panels=[
            _panel(chosen, metric, middles=middles, start=start)
            for metric, start in zip(("delta", "direction"), starts, strict=True)
        ],
    )


def _panel(chosen: Sequence[FamilyBest], metric: str, *, middles: Sequence[float], start: float) -> Panel:
    ends = [
        metrics[f"{metric}_{end}"]
        for best in chosen
        for metrics in (best.validation, best.holdout)
        for end in ("low", "high")
        if f"{metric}_{end}" in metrics
    ]
    axis = axis_around(ends, centre=NOTHING[metric], start=start, stop=start + PANEL_WIDTH, least=0.01)
    parts: tuple[Part, Part] = ("validation", "holdout")
    intervals = [
        interval
        for best, y in zip(chosen, middles, strict=True)
        for part in parts
        if (interval := _interval(best, metric, part=part, axis=axis, middle=y)) is not None
    ]
    return Panel(
        title=TITLES[metric],
        start=start,
        stop=start + PANEL_WIDTH,
        ticks=axis.ticks(6),
        x_nothing=axis.place(NOTHING[metric]),
        intervals=intervals,
    )


def _interval(best: FamilyBest, metric: str, *, part: Part, axis: Axis, middle: float) -> Interval | None:
    metrics = best.validation if part == "validation" else best.holdout
    side = side_of_nothing(best, metric, part=part)
    if side is None or metric not in metrics:
        return None
    value, low, high = metrics[metric], metrics[f"{metric}_low"], metrics[f"{metric}_high"]
    return Interval(
        y=middle + OFFSET[part],
        x=axis.place(value),
        x_low=axis.place(low),
        x_high=axis.place(high),
        part=part,
        side=side,
        title=f"{best.variant_id}, {part}: {metric} {value:.4f}, 95 % interval {low:.4f} to {high:.4f}",
    )
