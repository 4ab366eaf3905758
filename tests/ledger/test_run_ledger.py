import io
import shutil
from pathlib import Path

import numpy as np
import pytest

from fleetcast.errors import DataError, StoreError
from fleetcast.evaluation.judging import judge
from fleetcast.fleet.results import EARLIER, VariantResult
from fleetcast.job_args.fleet import FleetJobArgs, WriteLedger
from fleetcast.jobs import write_ledger
from fleetcast.ledger.effects import rank_in_fold
from fleetcast.ledger.run_ledger import draw_scored_time, ledger_json, load_ledger, make_run_ledger, read_run_trials
from fleetcast.ledger.run_trials import PRUNED
from fleetcast.ledger.trials import Ledger
from fleetcast.metrics.ranking import Ranking
from fleetcast.registry.records import read_verdicts
from fleetcast.splits.folds import rolling_folds
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.training.earlier import is_reference
from judged_run import FAILED, SKIPPED, UNJUDGED, earlier_of, tuned_rows_of, write_judged_run

PLANTED = "eth-w5-high-h10-d1.0-t0.5"


@pytest.fixture(scope="module")
def args(tmp_path_factory: pytest.TempPathFactory) -> FleetJobArgs:
    return write_judged_run(Store(tmp_path_factory.mktemp("judged").as_uri()), planted=[PLANTED])


@pytest.fixture(scope="module")
def tuned_args(tmp_path_factory: pytest.TempPathFactory) -> FleetJobArgs:
    return write_judged_run(Store(tmp_path_factory.mktemp("tuned").as_uri()), planted=[PLANTED], tune=True)


@pytest.fixture(scope="module")
def ledger(args: FleetJobArgs) -> Ledger:
    return ledger_of(args)


@pytest.fixture(scope="module")
def tuned_ledger(tuned_args: FleetJobArgs) -> Ledger:
    return ledger_of(tuned_args)


@pytest.fixture
def own_args(args: FleetJobArgs, tmp_path: Path) -> FleetJobArgs:
    """Of a copy to break."""
    return copy_of(args, tmp_path / "copy")


def copy_of(args: FleetJobArgs, path: Path) -> FleetJobArgs:
    shutil.copytree(Store(args.store).local_path(""), path)
    return args.model_copy(update={"store": path.as_uri()})


def folder_of(args: FleetJobArgs) -> RunFolder:
    return RunFolder(Store(args.store), args.run_key)


def ledger_of(args: FleetJobArgs) -> Ledger:
    return make_run_ledger(read_run_trials(folder_of(args), args))


def test_every_variant_is_counted(ledger: Ledger) -> None:
    assert ledger.n_by_state == {"skipped": 3, "finished": 30, "unjudged": 3}
    assert ledger.n_tests == 60
    assert (ledger.n_draws, ledger.block_rows, ledger.n_blocks) == (1000, 40, 30 + 15)
    assert (ledger.holdout_looks, ledger.all_holdout_looks) == (3, 3)
    reasons = {row.trial.state: row.trial.reason for row in ledger.trials}
    assert reasons == {"finished": None, "skipped": SKIPPED, "unjudged": UNJUDGED}


def test_estimates_are_those_of_the_variants_manifests(args: FleetJobArgs, ledger: Ledger) -> None:
    ratios, run = [], folder_of(args)
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


def test_the_same_run_gives_the_same_ledger(args: FleetJobArgs, ledger: Ledger) -> None:
    assert ledger_json(ledger_of(args)) == ledger_json(ledger)


def test_another_seed_gives_other_draws_and_the_same_estimates(args: FleetJobArgs, ledger: Ledger) -> None:
    other = make_run_ledger(read_run_trials(folder_of(args), args.model_copy(update={"seed": 7})))
    for one, another in zip(ledger.trials, other.trials, strict=True):
        for name, tested in one.statistics.items():
            assert another.statistics[name].estimate == tested.estimate
            assert another.statistics[name].standard_error != tested.standard_error


def test_variants_without_a_manifest_are_counted_as_failed(own_args: FleetJobArgs) -> None:
    own_run = folder_of(own_args)
    first, second = "btc-w5-high-h10-d1.5-t0.5", "btc-w5-high-h10-d1.5-t1.0"
    for variant_id in (first, second):
        own_run.store.delete(f"{own_run.variant(variant_id).path}/manifest.json")
    own_run.write_failure(first, "took longer than 600 s")
    ledger = ledger_of(own_args)
    reasons = {row.trial.variant_id: row.trial.reason for row in ledger.trials if row.trial.state == "failed"}
    assert reasons == {first: "its last attempt failed", second: "it has no manifest"}
    assert ledger.n_tests == 56


def test_a_run_that_did_not_keep_its_baselines_predictions_is_refused(own_args: FleetJobArgs) -> None:
    own_run = folder_of(own_args)
    folder = own_run.variant(PLANTED)
    manifest = folder.require()
    outputs = {"predictions.npy": manifest.outputs["predictions.npy"]}
    changed = manifest.model_copy(update={"outputs": outputs})
    own_run.store.write(f"{folder.path}/manifest.json", changed.model_dump_json().encode())
    with pytest.raises(DataError, match=r"holds no structure_predictions.npy.*Trigger a new run"):
        ledger_of(own_args)


def test_predictions_of_other_rows_are_refused(own_args: FleetJobArgs) -> None:
    own_run = folder_of(own_args)
    folder, other = own_run.variant(PLANTED), own_run.variant("eth-w5-high-h20-d1.5-t0.5")
    manifest = folder.require()
    digest = own_run.store.write(f"{folder.path}/predictions.npy", other.read("predictions.npy"))
    changed = manifest.model_copy(update={"outputs": {**manifest.outputs, "predictions.npy": digest}})
    own_run.store.write(f"{folder.path}/manifest.json", changed.model_dump_json().encode())
    with pytest.raises(DataError, match="a row for each label that it is scored on"):
        ledger_of(own_args)


def test_trials_of_all_stages_are_counted_and_tested_together(tuned_ledger: Ledger) -> None:
    # Stage 1 as ever; one study in stage 2 and three in stages 3 and 4 each, of four trials.
    assert tuned_ledger.n_by_state == {"skipped": 3, "finished": 30 + 14, "unjudged": 3, "pruned": 7, "failed": 7}
    assert tuned_ledger.n_tests == 2 * 44
    assert [family.n_by_state["finished"] for family in tuned_ledger.families] == [16, 14, 14]
    reasons = {row.trial.state: row.trial.reason for row in tuned_ledger.trials if row.trial.stage > 1}
    assert reasons == {"finished": None, "failed": FAILED, "pruned": PRUNED}
    assert (tuned_ledger.n_blocks, tuned_ledger.holdout_looks) == (60 + 15, 3)


def test_a_tuned_familys_best_is_the_trial_that_stage_4_names(tuned_ledger: Ledger) -> None:
    for family in tuned_ledger.families:
        trial = family.best.trial
        assert (trial.stage, trial.study, trial.number) == (4, f"stage-4-{family.family_id}", 3)
        assert family.holdout == pytest.approx({"delta": 0.01, "direction": 0.02})
    assert [family.family_id for family in tuned_ledger.promotable] == ["eth-w5-high"]


def test_estimates_of_later_stages_are_of_all_their_folds_rows(tuned_args: FleetJobArgs, tuned_ledger: Ledger) -> None:
    run, variant = folder_of(tuned_args), next(v for v in tuned_args.variants() if v.variant_id == PLANTED)
    for stage in (3, 4):
        rows = tuned_rows_of(run, tuned_args, variant, stage=stage)
        folder = run.trial(f"stage-{stage}-eth-w5-high", 2)
        own, structure = (
            np.load(io.BytesIO(folder.read(name))) for name in ("predictions.npy", "structure_predictions.npy")
        )
        fold = np.searchsorted([f.end for f in rolling_folds(6000)], rows.row, side="right")
        expected = judge(
            *(rank_in_fold(p.astype(float), fold) for p in (own, structure)), y=rows.y, weights=np.ones((len(fold), 2))
        )
        towards = rank_in_fold((own[:, 0] / (own[:, 0] + own[:, 1]))[:, None].astype(float), fold)[:, 0]
        decided = rows.y < 2
        (row,) = [
            r for r in tuned_ledger.trials if (r.trial.study, r.trial.number) == (f"stage-{stage}-eth-w5-high", 2)
        ]
        assert row.statistics["delta"].estimate == pytest.approx(expected["delta"], abs=1e-6)
        found = row.statistics["direction"].estimate
        assert found == pytest.approx(Ranking(towards[decided], rows.y[decided] == 0).roc_auc()[0] - 0.5, abs=1e-6)


def test_references_are_scored_on_the_rows_from_the_selection_of_columns_to_validation(args: FleetJobArgs) -> None:
    run, trials = folder_of(args), read_run_trials(folder_of(args), args)
    assert trials.earlier == (3000, 4200)  # of 6,000 rows
    found = trials.earlier_effects(draw_scored_time(trials))
    for family in args.families():
        references = [v for v in args.variants_of(family) if is_reference(v, args)][1:]  # the first one is skipped
        assert len(found[family.family_id]) == len(references) == len(args.thresholds) - 1
        for effects, variant in zip(found[family.family_id], references, strict=True):
            rows = earlier_of(run, args, variant)
            assert 3000 <= rows.row.min() < rows.end_row.max() < 4200
            own = np.load(io.BytesIO(run.variant(variant.variant_id).read(f"{EARLIER}predictions.npy"))).astype(float)
            towards, decided = own[:, 0] / (own[:, 0] + own[:, 1]), rows.y < 2
            expected = Ranking(towards[decided], rows.y[decided] == 0).roc_auc()[0] - 0.5
            assert effects.over_draws[1].estimate == pytest.approx(expected, abs=1e-6)


def test_the_time_before_validation_counts_in_a_familys_test(own_args: FleetJobArgs) -> None:
    trials = read_run_trials(folder_of(own_args), own_args)
    before = make_run_ledger(trials).families[1].tests["direction"].t
    folder = folder_of(own_args)
    for variant in own_args.variants_of(own_args.families()[1]):
        shown = folder.variant(variant.variant_id)
        manifest = shown.require()
        if f"{EARLIER}predictions.npy" in manifest.outputs:
            kept = {name: digest for name, digest in manifest.outputs.items() if not name.startswith(EARLIER)}
            shown.store.write(
                f"{shown.path}/manifest.json", manifest.model_copy(update={"outputs": kept}).model_dump_json().encode()
            )
    assert ledger_of(own_args).families[1].tests["direction"].t != before


def test_overfitting_of_a_tuned_run_is_that_of_the_stages_that_chose(ledger: Ledger, tuned_ledger: Ledger) -> None:
    assert ledger.overfitting["delta"].n_trials == 30
    assert tuned_ledger.overfitting["delta"].n_trials == 12
    assert [family.overfitting["direction"].n_trials for family in tuned_ledger.families] == [4, 4, 4]


def test_a_family_that_no_stage_tuned_has_no_best(tuned_args: FleetJobArgs, tmp_path: Path) -> None:
    own = copy_of(tuned_args, tmp_path / "copy")
    folder = folder_of(own).tuning_result(4)
    manifest = folder.require()
    tuned = {name: point for name, point in manifest.facts["tuned"].items() if name != "eth-w5-high"}
    changed = manifest.model_copy(update={"facts": manifest.facts | {"tuned": tuned}})
    folder.store.write(f"{folder.path}/manifest.json", changed.model_dump_json().encode())
    ledger = ledger_of(own)
    assert ledger.promotable == []
    assert ledger.families[1].reason == "no trial was chosen"


def test_a_best_that_nobody_tried_is_refused(tuned_args: FleetJobArgs, tmp_path: Path) -> None:
    own = copy_of(tuned_args, tmp_path / "copy")
    folder = folder_of(own).tuning_result(4)
    manifest = folder.require()
    tuned = {**manifest.facts["tuned"]}
    tuned["eth-w5-high"] = tuned["eth-w5-high"] | {"number": 99}
    changed = manifest.model_copy(update={"facts": manifest.facts | {"tuned": tuned}})
    folder.store.write(f"{folder.path}/manifest.json", changed.model_dump_json().encode())
    with pytest.raises(DataError, match="best of eth-w5-high, 99 of stage-4-eth-w5-high, is none of the trials"):
        ledger_of(own)


@pytest.mark.parametrize("stage", ["holdout", "tuning/stage-3/result"])
def test_a_tuned_run_that_is_not_over_is_refused(tuned_args: FleetJobArgs, tmp_path: Path, stage: str) -> None:
    own = copy_of(tuned_args, tmp_path / "copy")
    folder_of(own).store.delete(f"{folder_of(own).path}/{stage}/manifest.json")
    with pytest.raises(StoreError, match=f"stage '{stage.rsplit('/', maxsplit=1)[-1]}' has no manifest"):
        ledger_of(own)


def test_what_is_kept_is_the_ledger_and_the_registrys_verdicts(tuned_args: FleetJobArgs, tuned_ledger: Ledger) -> None:
    write_ledger.run(tuned_args.for_job(WriteLedger))
    run = folder_of(tuned_args)
    assert load_ledger(run.stage("ledger")) == tuned_ledger
    verdicts = read_verdicts(run)
    assert {name: verdict.promotable for name, verdict in verdicts.items()} == {
        "btc-w5-high": False,
        "eth-w5-high": True,
        "sol-w5-high": False,
    }
    assert "is above 0.05" in verdicts["btc-w5-high"].reason
    facts = run.stage("ledger").require().facts
    assert facts["promotable"] == ["eth-w5-high"]
    assert facts["families"]["eth-w5-high"]["trial"]["study"] == "stage-4-eth-w5-high"
    write_ledger.run(tuned_args.for_job(WriteLedger))  # a second time changes nothing
    assert run.stage("ledger").require().facts == facts
