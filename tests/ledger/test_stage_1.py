import shutil
from pathlib import Path

import numpy as np
import pytest

from fleetcast.errors import DataError
from fleetcast.fleet.results import VariantResult
from fleetcast.ledger.stage_1 import make_stage_1_ledger, read_stage_1
from fleetcast.ledger.trials import Ledger
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from judged_run import SKIPPED, UNJUDGED, write_judged_run

PLANTED = "eth-w5-high-h10-d1.0-t0.5"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    store = Store(tmp_path_factory.mktemp("judged").as_uri())
    return RunFolder(store, write_judged_run(store, planted=[PLANTED]).run_key)


@pytest.fixture(scope="module")
def ledger(run: RunFolder) -> Ledger:
    return make_stage_1_ledger(read_stage_1(run))


@pytest.fixture
def own_run(run: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy to break."""
    shutil.copytree(run.store.local_path(""), tmp_path / "copy")
    return RunFolder(Store((tmp_path / "copy").as_uri()), run.run_key)


def test_every_variant_is_counted(ledger: Ledger) -> None:
    assert ledger.n_by_state == {"skipped": 3, "finished": 30, "unjudged": 3}
    assert ledger.n_tests == 60
    assert (ledger.n_draws, ledger.block_rows, ledger.n_blocks) == (1000, 40, 30)
    assert (ledger.holdout_looks, ledger.all_holdout_looks) == (3, 3)
    reasons = {row.trial.state: row.trial.reason for row in ledger.trials}
    assert reasons == {"finished": None, "skipped": SKIPPED, "unjudged": UNJUDGED}


def test_estimates_are_those_of_the_variants_manifests(run: RunFolder, ledger: Ledger) -> None:
    ratios = []
    for row in ledger.trials:
        if row.trial.state != "finished":
            assert row.statistics == {}
            continue
        stored = VariantResult.model_validate(run.variant(row.trial.variant_id).require().facts).metrics
        assert row.statistics["delta"].estimate == pytest.approx(stored["delta"], abs=1e-6)
        assert row.statistics["direction"].estimate == pytest.approx(stored["direction"] - 0.5, abs=1e-6)
        width = stored["direction_high"] - stored["direction_low"]  # by 200 other draws
        ratios.append(row.statistics["direction"].standard_error / (width / 3.92))
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)


def test_only_the_planted_family_is_promotable(ledger: Ledger) -> None:
    planted, *others = sorted(ledger.families, key=lambda family: family.family_id != "eth-w5-high")
    assert planted.best is not None
    assert planted.best.trial.variant_id == PLANTED
    assert planted.holdout == pytest.approx({"delta": 0.01, "direction": 0.02})
    assert planted.promotable
    assert planted.reason is None
    assert planted.best.statistics["delta"].p <= 0.05
    assert planted.best.statistics["delta"].deflated > 0
    for family in others:
        assert not family.promotable
        assert "is above 0.05" in family.reason


def test_the_same_run_gives_the_same_ledger(run: RunFolder, ledger: Ledger) -> None:
    assert make_stage_1_ledger(read_stage_1(run)) == ledger


def test_variants_without_a_manifest_are_counted_as_failed(own_run: RunFolder) -> None:
    first, second = "btc-w5-high-h10-d1.5-t0.5", "btc-w5-high-h10-d1.5-t1.0"
    for variant_id in (first, second):
        own_run.store.delete(f"{own_run.variant(variant_id).path}/manifest.json")
    own_run.write_failure(first, "took longer than 600 s")
    ledger = make_stage_1_ledger(read_stage_1(own_run))
    reasons = {row.trial.variant_id: row.trial.reason for row in ledger.trials if row.trial.state == "failed"}
    assert reasons == {first: "its last attempt failed", second: "it has no manifest"}
    assert ledger.n_tests == 56


def test_a_run_that_did_not_keep_its_baselines_predictions_is_refused(own_run: RunFolder) -> None:
    folder = own_run.variant(PLANTED)
    manifest = folder.require()
    outputs = {"predictions.npy": manifest.outputs["predictions.npy"]}
    changed = manifest.model_copy(update={"outputs": outputs})
    own_run.store.write(f"{folder.path}/manifest.json", changed.model_dump_json().encode())
    with pytest.raises(DataError, match=r"holds no structure_predictions.npy.*Trigger a new run"):
        make_stage_1_ledger(read_stage_1(own_run))


def test_predictions_of_other_rows_are_refused(own_run: RunFolder) -> None:
    folder, other = own_run.variant(PLANTED), own_run.variant("eth-w5-high-h20-d1.5-t0.5")
    manifest = folder.require()
    digest = own_run.store.write(f"{folder.path}/predictions.npy", other.read("predictions.npy"))
    changed = manifest.model_copy(update={"outputs": {**manifest.outputs, "predictions.npy": digest}})
    own_run.store.write(f"{folder.path}/manifest.json", changed.model_dump_json().encode())
    with pytest.raises(DataError, match="a row for each validation label"):
        make_stage_1_ledger(read_stage_1(own_run))
