import pytest

from fleetcast.errors import DataError, StoreError
from fleetcast.registry.records import Verdict, VersionRecord, read_records, read_verdicts, registered_name
from fleetcast.store.objects import Store
from produced_fleet import CERTIFICATE, DELTA_OUT_OF_FOLD, STUDY, TRIAL, produced_args, write_produced_fleet
from synthetic_fleet import COLUMNS, SyntheticFleet


def records(fleet: SyntheticFleet, verdicts: dict[str, Verdict] | None = None) -> list[VersionRecord]:
    return list(read_records(fleet.folder, fleet.args, verdicts=verdicts))


@pytest.fixture
def fleet(store: Store) -> SyntheticFleet:
    return write_produced_fleet(produced_args(store.uri))


def test_every_production_model_has_a_record_in_the_grids_order(fleet: SyntheticFleet) -> None:
    found = records(fleet)
    assert [record.family for record in found] == fleet.args.families()
    assert {record.name for record in found} == {registered_name(f.family_id) for f in fleet.args.families()}
    assert all(record.columns == list(COLUMNS) for record in found)
    assert len({record.key for record in found}) == 3


def test_a_family_without_a_production_model_has_none(store: Store) -> None:
    fleet = write_produced_fleet(produced_args(store.uri), skipped=("eth-w5-high",))
    assert [record.family.symbol for record in records(fleet)] == ["btc", "sol"]


def test_a_record_says_where_its_model_comes_from(fleet: SyntheticFleet) -> None:
    record = records(fleet)[0]
    best = fleet.folder.stage("holdout").require().facts["families"]["btc-w5-high"]
    expected = {
        "run_key": fleet.args.run_key,
        "dataset_rev": fleet.args.dataset_rev,
        "cutoff": "2025-01-01T00:00:00+00:00",
        "certificate_digest": CERTIFICATE,
        "parent_variant_id": best["variant_id"],
        "parent_stage": "4",
        "parent_study": STUDY,
        "parent_trial": str(TRIAL),
        "n_rounds": "48",
    }
    assert expected.items() <= record.tags.items()
    assert f"parameters of trial {TRIAL} of study {STUDY} (stage 4), 48 rounds on all 1200" in record.description


def test_metrics_are_the_judged_siblings_and_say_so(fleet: SyntheticFleet) -> None:
    record = records(fleet)[0]
    holdout = fleet.folder.stage("holdout").require().facts["families"]["btc-w5-high"]["holdout"]
    for name in ("delta", "delta_low", "delta_high", "direction", "macro_average_precision"):
        assert record.metrics[f"sibling_holdout_{name}"] == holdout[name]
    assert record.metrics["sibling_out_of_fold_delta"] == DELTA_OUT_OF_FOLD
    assert not any(name.startswith(("delta", "direction", "macro", "sibling_validation")) for name in record.metrics)
    low, high = holdout["delta_low"], holdout["delta_high"]
    assert record.tags["sibling_holdout_delta"] == f"{holdout['delta']:.4f} (95 %: {low:.4f} to {high:.4f})"
    assert "was scored on nothing" in record.description
    assert "judged sibling" in record.tags["metrics_of"]


def test_a_run_that_was_not_tuned_takes_its_siblings_from_the_family_bests(store: Store) -> None:
    fleet = write_produced_fleet(produced_args(store.uri, tune=False))
    record = records(fleet)[0]
    assert record.tags["parent_stage"] == "1"
    assert "parent_study" not in record.tags
    assert "stage 1's parameters, not tuned" in record.description
    best = fleet.folder.stage("family_bests").require().facts["families"]["btc-w5-high"]
    assert record.metrics["sibling_validation_delta"] == best["validation"]["delta"]
    assert record.metrics["sibling_holdout_delta"] == best["holdout"]["delta"]


def test_a_sibling_of_another_variant_is_refused(store: Store) -> None:
    args = produced_args(store.uri)
    fleet = SyntheticFleet(args)
    other = fleet.args.variants()[0].variant_id
    families = {f.family_id: {"variant_id": other, "holdout": {}} for f in args.families()}
    fleet.folder.stage("holdout").commit(facts={"families": families})
    write_produced_fleet(args)
    with pytest.raises(DataError, match=r"cannot register the model of btc-w5-high: it is of btc-.* judged is of btc-"):
        records(fleet)


def test_production_models_that_are_not_there_are_asked_for(store: Store) -> None:
    fleet = SyntheticFleet(produced_args(store.uri, tune=False))
    fleet.write_all()
    fleet.folder.stage("production/columns").write("selected.json", b"[]")
    with pytest.raises(StoreError, match="stage 'columns' has no manifest"):
        records(fleet)


def test_verdicts_are_the_ledgers(fleet: SyntheticFleet) -> None:
    assert read_verdicts(fleet.folder) is None
    assert {record.verdict["promotable"] for record in records(fleet)} == {"unknown"}
    rows = {
        "btc-w5-high": {"promotable": True, "reason": None},
        "eth-w5-high": {"promotable": False, "reason": "delta's p 0.310 is above 0.05"},
    }
    fleet.folder.stage("ledger").commit(facts={"families": rows})
    btc, eth, sol = records(fleet, read_verdicts(fleet.folder))
    assert (btc.verdict["promotable"], eth.verdict["promotable"], sol.verdict["promotable"]) == ("true", *["false"] * 2)
    assert "Promotable: passed out of fold and on the holdout." in btc.description
    assert "Not promotable: delta's p 0.310 is above 0.05." in eth.description
    assert sol.verdict["promotable_reason"] == "the ledger has no best"
