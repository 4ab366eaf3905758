from dataclasses import replace

import pytest

from fleetcast.evaluation.report_forest import draw_forest
from fleetcast.evaluation.report_heat import draw_heat_map, score_bin, z_bin
from fleetcast.evaluation.report_histogram import draw_histogram, draw_histograms
from fleetcast.evaluation.report_inputs import ReportInputs
from synthetic_fleet import SyntheticFleet, fleet_args


@pytest.fixture
def inputs() -> ReportInputs:
    fleet = SyntheticFleet(fleet_args("/nowhere"))
    results = {v.variant_id: fleet.result(v) for v in fleet.args.variants()}
    bests = {}
    for family in fleet.args.families():
        of_family = [r for r in results.values() if r.family_id == family.family_id]
        bests[family.family_id] = fleet.best(of_family, family.family_id)
    return ReportInputs("key", fleet.args, facts={}, results=results, bests=bests)


def test_every_variant_has_one_cell_in_its_familys_row(inputs: ReportInputs) -> None:
    heat_map = draw_heat_map(inputs)
    assert [row.family_id for row in heat_map.rows] == ["btc-w5-high", "eth-w5-high", "sol-w5-high"]
    for row, family in zip(heat_map.rows, inputs.grid.families(), strict=True):
        ids = [v.variant_id for v in inputs.grid.variants_of(family)]
        assert [cell.title.split(":")[0] for cell in row.cells] == ids
        assert len({cell.x for cell in row.cells}) == len(ids)


def test_cells_say_whether_they_were_judged(inputs: ReportInputs) -> None:
    cells = {cell.title.split(":")[0]: cell for row in draw_heat_map(inputs).rows for cell in row.cells}
    for variant_id, result in inputs.results.items():
        kind = cells[variant_id].classes.split()[0]
        if result.status == "skipped":
            assert kind == "skipped"
        elif not result.judged:
            assert kind == "unjudged"
        else:
            assert kind.startswith("s")
            assert kind != "skipped"


def test_variant_without_a_result_is_blank(inputs: ReportInputs) -> None:
    cell = draw_heat_map(replace(inputs, results={})).rows[0].cells[0]
    assert (cell.classes, cell.title) == ("none", "btc-w5-high-h5-d1.0-t0.5: no result")


@pytest.mark.parametrize(("score", "expected"), [(-0.1, 0), (0, 1), (1.99, 1), (2, 2), (13.9, 7), (99, 7)])
def test_score_bins(score: float, expected: int) -> None:
    assert score_bin(score, step=2.0) == expected


@pytest.mark.parametrize(("z", "expected"), [(-9, 0), (-2.5, 1), (-1.5, 2), (0, 3), (1, 4), (2.5, 5), (3, 6)])
def test_z_bins(z: float, expected: int) -> None:
    assert z_bin(z) == expected


def test_histogram_counts_every_value_once() -> None:
    values = [-3.9, -0.01, 0.0, 0.49, 0.5, 7.2]
    plot = draw_histogram("score", values, meaning="")
    counts = [int(bar.title.rsplit(": ", 1)[1].removesuffix(" variants")) for bar in plot.bars]
    assert sum(counts) == len(values)
    assert [bar.title for bar in plot.bars if ": 2 variants" in bar.title] == ["0 to 0.5: 2 variants"]
    assert (plot.largest, plot.n_beyond) == (7.2, 1)


def test_histogram_of_huge_scores_has_few_bars() -> None:
    plot = draw_histogram("score", [0.0, 900.0], meaning="")
    assert len(plot.x_ticks) <= 12
    assert all(bar.width >= 0.5 for bar in plot.bars)


def test_there_is_a_histogram_for_each_measure_and_none_without_judged_variants(inputs: ReportInputs) -> None:
    assert [plot.name for plot in draw_histograms(inputs)] == ["score", "delta", "direction"]
    assert draw_histograms(replace(inputs, results={})) == []


def test_forest_has_both_parts_of_every_family_and_its_line_of_no_effect(inputs: ReportInputs) -> None:
    forest = draw_forest(inputs.chosen)
    assert forest is not None
    assert [row.label for row in forest.rows] == ["btc-w5-high", "eth-w5-high", "sol-w5-high"]
    for panel in forest.panels:
        assert [interval.part for interval in panel.intervals] == ["validation", "holdout"] * 3
        for interval in panel.intervals:
            assert interval.x_low <= interval.x <= interval.x_high
            clear = interval.x_low > panel.x_nothing or interval.x_high < panel.x_nothing
            assert bool(interval.side) == clear


def test_forest_without_bests_is_none() -> None:
    assert draw_forest([]) is None
