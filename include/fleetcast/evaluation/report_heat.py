"""The heat map: every variant of the fleet on validation, a family a row, a target a column."""

from collections.abc import Sequence
from dataclasses import dataclass

from fleetcast.evaluation.report_inputs import ReportInputs
from fleetcast.evaluation.report_noise import standardised
from fleetcast.evaluation.report_scales import Tick, nice_step
from fleetcast.fleet.results import VariantResult
from fleetcast.fleet.variants import Grid, Variant

CELL, GAP, LABEL_WIDTH, TOP = 15, 9, 104, 52
HORIZON_LABEL_WIDTH = 28  # so wide the cells of a horizon are together at least
N_SCORE_BINS = 7
Z_EDGES = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Cell:
    """One variant; ``classes`` name its colour for each measure, or why it has none."""

    x: float
    classes: str
    title: str


@dataclass(frozen=True)
class HeatRow:
    """One family."""

    y: float
    family_id: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class HeatMap:
    """The whole drawing, and what its colours mean: per measure the bins' names in order."""

    width: float
    height: float
    cell_width: float
    cell_height: float
    label_x: float
    deviations: Sequence[Tick]
    horizons: Sequence[Tick]
    rows: Sequence[HeatRow]
    score_bins: Sequence[str]
    z_bins: Sequence[str]


def draw_heat_map(inputs: ReportInputs) -> HeatMap:
    """The drawing; variants that were skipped or not judged are marked as such."""
    grid = inputs.grid
    step = _score_step([r.metrics["score"] for r in inputs.judged if "score" in r.metrics])
    columns = _columns(grid)
    rows, y = [], float(TOP)
    symbol = grid.symbols[0]
    for family in grid.families():
        if family.symbol != symbol:
            symbol, y = family.symbol, y + GAP
        cells = [
            _cell(v, inputs.results.get(v.variant_id), x=x, step=step)
            for v, x in zip(grid.variants_of(family), columns, strict=True)
        ]
        rows.append(HeatRow(y, family.family_id, cells))
        y += CELL
    edges = [f"{step * i:g}" for i in range(N_SCORE_BINS)]
    return HeatMap(
        width=columns[-1] + _pitch(grid) + 4,
        height=y + 4,
        cell_width=_pitch(grid) - 1,
        cell_height=CELL - 1,
        label_x=LABEL_WIDTH - 10,
        deviations=_deviation_labels(grid, columns),
        horizons=_horizon_labels(grid, columns),
        rows=rows,
        score_bins=["under 0", *(f"from {edge}" for edge in edges)],
        z_bins=["under −3", "−3 to −2", "−2 to −1", "−1 to 1", "1 to 2", "2 to 3", "over 3"],
    )


def score_bin(score: float, *, step: float) -> int:
    """0 under zero, else 1 and up in steps, the last bin open."""
    return 0 if score < 0 else 1 + min(N_SCORE_BINS - 1, int(score / step))


def z_bin(z: float) -> int:
    """0 to 6: how many of the edges lie at or under the value."""
    return sum(z >= edge for edge in Z_EDGES)


def _score_step(scores: Sequence[float]) -> float:
    return nice_step(max([*scores, 1.0]) / N_SCORE_BINS)


def _columns(grid: Grid) -> list[float]:
    per_deviation = len(grid.horizon_bars) * len(grid.thresholds)
    n_columns = len(grid.deviations) * per_deviation
    return [LABEL_WIDTH + i * _pitch(grid) + (i // per_deviation) * GAP for i in range(n_columns)]


def _pitch(grid: Grid) -> int:
    return max(CELL, -(-HORIZON_LABEL_WIDTH // len(grid.thresholds)))


def _deviation_labels(grid: Grid, columns: Sequence[float]) -> list[Tick]:
    size = len(grid.horizon_bars) * len(grid.thresholds)
    return [Tick(columns[i * size], f"d ≥ {d:g}") for i, d in enumerate(grid.deviations)]


def _horizon_labels(grid: Grid, columns: Sequence[float]) -> list[Tick]:
    size, n_horizons = len(grid.thresholds), len(grid.horizon_bars)
    middles = [(columns[i] + columns[i + size - 1] + _pitch(grid)) / 2 for i in range(0, len(columns), size)]
    return [Tick(x, f"h{grid.horizon_bars[i % n_horizons]}") for i, x in enumerate(middles)]


def _cell(variant: Variant, result: VariantResult | None, *, x: float, step: float) -> Cell:
    name = variant.variant_id
    if result is None:
        return Cell(x, "none", f"{name}: no result")
    if result.status == "skipped":
        return Cell(x, "skipped", f"{name}: skipped, {result.reason}")
    metrics = result.metrics
    if not result.judged or "score" not in metrics:
        return Cell(x, "unjudged", f"{name}: trained, not judged, {result.unjudged_reason}")
    delta = standardised(metrics, "delta", nothing=0.0)
    direction = standardised(metrics, "direction", nothing=0.5)
    classes = [f"s{score_bin(metrics['score'], step=step)}"]
    classes += [f"{letter}{z_bin(z)}" for letter, z in (("d", delta), ("a", direction)) if z is not None]
    words = [f"score {metrics['score']:.1f}"]
    words += [f"{n} {metrics[n]:.3f}" for n in ("macro_average_precision", "delta", "direction") if n in metrics]
    return Cell(x, " ".join(classes), f"{name}: {', '.join(words).replace('_', ' ')}")
