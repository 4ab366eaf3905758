import pytest

from fleetcast.evaluation.report_inputs import ReportInputs
from fleetcast.evaluation.report_tables import (
    column_facts,
    data_facts,
    family_rows,
    quantile_rows,
    reason_rows,
    time_rows,
    where_rows,
)
from fleetcast.fleet.results import VariantResult
from synthetic_fleet import SyntheticFleet, fleet_args


def result(variant_id: str, **changes: object) -> VariantResult:
    fields = {"variant_id": variant_id, "family_id": variant_id.split("-h")[0], "status": "trained", "judged": True}
    return VariantResult.model_validate({**fields, "n_events": 5, "n_by_class": {}, **changes})


@pytest.fixture
def inputs() -> ReportInputs:
    fleet = SyntheticFleet(fleet_args("/nowhere"))
    results = {v.variant_id: fleet.result(v) for v in fleet.args.variants()}
    bests = {}
    for family in fleet.args.families():
        of_family = [r for r in results.values() if r.family_id == family.family_id]
        bests[family.family_id] = fleet.best(of_family, family.family_id)
    return ReportInputs("key", fleet.args, facts={"family_bests": {}}, results=results, bests=bests)


def test_reasons_with_other_numbers_are_one_row() -> None:
    rows = reason_rows(
        [
            result("a-w2-high-h5", status="skipped", judged=False, reason="143 events, at least 200 needed"),
            result("a-w2-low-h5", status="skipped", judged=False, reason="9 events, at least 200 needed"),
            result("a-w2-low-h9", judged=False, unjudged_reason="holdout's summed uniqueness is 9.5, at least 30"),
            result("a-w2-low-h7"),
        ]
    )
    assert [(row.kind, row.reason, row.n_variants, len(row.families)) for row in rows] == [
        ("skipped", "… events, at least 200 needed", 2, 2),
        ("trained, not judged", "holdout's summed uniqueness is …, at least 30", 1, 1),
    ]
    assert rows[0].example == "a-w2-high-h5: 143 events, at least 200 needed"


def test_where_counts_every_skipped_variant_once_by_deviation(inputs: ReportInputs) -> None:
    rows = where_rows(inputs)
    by_deviation = [row for row in rows if row.name.startswith("deviation")]
    assert sum(row.n_skipped for row in by_deviation) == 3
    assert [row.name for row in rows if row.name.startswith("horizon")] == ["horizon 10 bars", "horizon 20 bars"]


def test_families_are_in_the_grids_order_and_name_their_target(inputs: ReportInputs) -> None:
    rows = family_rows(inputs)
    assert [row.best.family_id for row in rows] == ["btc-w5-high", "eth-w5-high", "sol-w5-high"]
    assert all(f"{row.best.family_id}-{row.target}" == row.best.variant_id for row in rows)


def test_parts_of_training_add_up(inputs: ReportInputs) -> None:
    rows = time_rows(inputs)
    whole = next(row for row in rows if row.name.startswith("training"))
    assert whole.cpu_seconds == pytest.approx(sum(row.cpu_seconds or 0 for row in rows if row.is_part), rel=0.2)
    assert whole.cpu_seconds == pytest.approx(sum(r.cpu_seconds for r in inputs.results.values()))


def test_quantiles_are_of_trained_variants_alone() -> None:
    results = [result(f"v{i}", cpu_seconds=float(i)) for i in range(21)]
    results.append(result("skipped", status="skipped", judged=False, cpu_seconds=1000.0))
    row = quantile_rows(results)[0]
    assert (row.values, row.total) == ([0.0, 1.0, 10.0, 19.0, 20.0], 210.0)


def test_no_trained_variant_has_no_quantiles() -> None:
    assert quantile_rows([result("v", status="skipped", judged=False)]) == []


def test_missing_stages_leave_blanks(inputs: ReportInputs) -> None:
    columns, data = column_facts(inputs), data_facts(inputs)
    assert (columns.n_computed, columns.n_selected, columns.dropped) == (None, None, [])
    assert (data.bars, data.first, data.n_more_findings) == ([], None, 0)


def test_reasons_of_the_screen_are_words_and_the_largest_is_first(inputs: ReportInputs) -> None:
    facts = {"columns": {"dropped": {"missing": 3, "correlated": 17, "some_new_rule": 1}}}
    found = column_facts(ReportInputs("key", inputs.grid, facts=facts, results={}, bests={}))
    assert found.dropped == [
        ("correlation above 0.9 with a kept column", 17),
        ("more than 70 % missing", 3),
        ("some new rule", 1),
    ]


def test_long_list_of_findings_is_cut_and_counted(inputs: ReportInputs) -> None:
    facts = {"snapshot": {"findings": [{"kind": "remark"}] * 55}}
    data = data_facts(ReportInputs("key", inputs.grid, facts=facts, results={}, bests={}))
    assert (len(data.findings), data.n_more_findings) == (40, 15)


def test_stability_is_a_row_for_each_comparison_that_was_made() -> None:
    facts = {"columns": {"stability": {"seeds": {"jaccard": 0.6, "kuncheva": 0.5, "n_pairs": 2}, "folds": None}}}
    rows = column_facts(ReportInputs("key", fleet_args("/nowhere"), facts=facts, results={}, bests={})).stability
    assert [(row.name, row.jaccard, row.kuncheva) for row in rows] == [
        ("those of one variant under two seeds", 0.6, 0.5)
    ]
