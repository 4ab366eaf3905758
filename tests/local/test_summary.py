import io

import pytest
from rich.console import Console

from fleetcast.errors import StoreError
from fleetcast.fleet.results import FamilyBest
from fleetcast.local.summary import WIDTH, print_summary
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store

METRICS = {
    "macro_average_precision": 0.4123,
    "random_baseline": 0.3351,
    "delta": 0.0207,
    "delta_low": -0.0101,
    "delta_high": 0.0502,
    "direction": 0.512,
    "direction_low": 0.47,
    "direction_high": 0.55,
}


def best(family_id: str, **fields: object) -> dict[str, object]:
    counts = {"raw_best_variant_id": None, "n_trained": 60, "n_judged": 55, "n_skipped": 0}
    return FamilyBest.model_validate({"family_id": family_id, "variant_id": None, **counts, **fields}).model_dump()


def printed(store: Store, *bests: dict[str, object]) -> list[str]:
    facts = {
        "families": {b["family_id"]: b for b in bests},
        "totals": {"variants": 120, "trained": 118, "skipped": 2, "judged": 110},
        "holdout_looks": 1,
        "holdout_looks_of_all_runs": 4,
    }
    RunFolder(store, "k").stage("family_bests").commit(facts=facts)
    out = io.StringIO()
    print_summary(RunFolder(store, "k"), Console(file=out, width=WIDTH))
    return out.getvalue().splitlines()


def test_a_family_is_one_row_with_validation_and_holdout_side_by_side(store: Store) -> None:
    holdout = METRICS | {"delta": -0.03}
    lines = printed(
        store,
        best("btc-w5-high", variant_id="btc-w5-high-h20-d1.5-t1.0", n_events=900, validation=METRICS, holdout=holdout),
    )
    (row,) = [line for line in lines if "btc-w5-high" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == [
        "btc-w5-high",
        "h20-d1.5-t1.0",
        "900",
        "0.412 (0.335)",
        "+0.021 [-0.010, +0.050]",
        "0.512 [0.470, 0.550]",
        "0.412 (0.335)",
        "-0.030 [-0.010, +0.050]",
        "0.512 [0.470, 0.550]",
    ]


def test_a_metric_that_could_not_be_computed_is_a_dash(store: Store) -> None:
    without = {name: value for name, value in METRICS.items() if not name.startswith("direction")}
    lines = printed(store, best("eth-w2-low", variant_id="eth-w2-low-h5-d1.0-t0.5", validation=without))
    (row,) = [line for line in lines if "eth-w2-low" in line]
    assert "- [-, -]" in row


def test_a_family_without_a_best_says_why(store: Store) -> None:
    lines = printed(store, best("sol-w50-low", reason="no variant was judged"))
    assert any("sol-w50-low" in line and "none: no variant was judged" in line for line in lines)


def test_totals_and_looks_at_the_holdout_stand_below(store: Store) -> None:
    assert printed(store)[-1] == (
        "120 variants = 118 trained + 2 skipped; 110 judged; 1 looks at the holdout, 4 with those of earlier runs on "
        "these bars"
    )


def test_there_is_no_summary_of_an_unfinished_run(store: Store) -> None:
    with pytest.raises(StoreError, match="'family_bests' has no manifest"):
        print_summary(RunFolder(store, "k"), Console(file=io.StringIO()))


def test_of_a_run_that_tunes_the_holdout_is_that_of_the_tuned_models(store: Store) -> None:
    run = RunFolder(store, "k")
    tuned = best("btc-w5-high", variant_id="btc-w5-high-h20-d1.5-t1.0", validation=METRICS, holdout=METRICS)
    facts = {"families": {"btc-w5-high": tuned}, "holdout_looks": 3, "holdout_looks_of_all_runs": 9}
    run.stage("holdout").commit(facts=facts)
    run.stage("registration").commit(facts={"versions": {"btc-w5-high": {}}})
    lines = printed(store, tuned | {"holdout": {}})
    (row,) = [line for line in lines if "btc-w5-high" in line]
    assert "- (-)" not in row
    assert lines[-3] == "validation: by the models of stage 1; holdout: by the tuned ones"
    assert lines[-2].endswith("3 looks at the holdout, 9 with those of earlier runs on these bars")
    assert lines[-1] == "1 tuned models are registered as challengers"


@pytest.mark.parametrize(("passed", "said"), [([], "none"), (["btc-w5-high"], "btc-w5-high")])
def test_what_the_ledger_lets_pass_is_said(store: Store, passed: list[str], said: str) -> None:
    facts = {"promotable": passed, "families": {"btc-w5-high": {}, "eth-w5-high": {}}}
    RunFolder(store, "k").stage("ledger").commit(facts=facts)
    assert printed(store)[-1] == f"promotable: {said} of 2 families; why: fleetcast ledger show --run-key k"
