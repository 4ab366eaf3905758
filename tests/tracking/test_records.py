from fleetcast.fleet.presets import load_preset
from fleetcast.fleet.results import VariantResult
from fleetcast.tracking.records import fleet_record, variant_record

GRID = load_preset("micro")
VARIANT = GRID.variants()[0]


def result(**changes: object) -> VariantResult:
    fields = {
        "variant_id": VARIANT.variant_id,
        "family_id": VARIANT.family.family_id,
        "status": "trained",
        "judged": True,
        "n_events": 600,
        "n_by_class": {"breakout": 300, "reversal": 200, "neither": 100},
    }
    return VariantResult.model_validate({**fields, **changes})


def test_key_changes_with_the_outputs() -> None:
    keys = {
        variant_record(result(), VARIANT, run_key=run_key, output_digest=digest).key
        for run_key, digest in (("a", "1"), ("a", "2"), ("b", "1"), ("a", "1"))
    }
    assert len(keys) == 3


def test_metric_without_a_value_is_left_out() -> None:
    facts = {**result().model_dump(), "metrics": {"delta": None, "direction": float("nan"), "score": 2.0}}
    record = variant_record(VariantResult.model_validate(facts), VARIANT, run_key="a", output_digest="1")
    assert record.metrics["score"] == 2.0
    assert not {"delta", "direction"} & set(record.metrics)


def test_unjudged_variant_says_why() -> None:
    record = variant_record(result(judged=False, unjudged_reason="few"), VARIANT, run_key="a", output_digest="1")
    assert (record.tags["judged"], record.tags["reason"]) == ("false", "few")


def test_skipped_variant_has_counts_and_nothing_of_a_training() -> None:
    record = variant_record(
        result(status="skipped", judged=False, reason="few"), VARIANT, run_key="a", output_digest="1"
    )
    assert record.metrics == {"n_events": 600.0, "n_breakout": 300.0, "n_reversal": 200.0, "n_neither": 100.0}


def test_long_reason_is_cut() -> None:
    record = variant_record(result(status="skipped", reason="x" * 9000), VARIANT, run_key="a", output_digest="1")
    assert len(record.tags["reason"]) == 500


def test_fleet_leaves_out_what_is_not_known() -> None:
    record = fleet_record(GRID, run_key="a", facts={"preset": None, "dag_run_id": "", "seed": 0})
    assert record.tags["seed"] == "0"
    assert not {"preset", "dag_run_id"} & set(record.tags)
