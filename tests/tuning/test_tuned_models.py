"""The one look at the holdout of a tuned run, on real rows."""

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fleetcast.errors import DataError
from fleetcast.evaluation.judging import random_macro_average_precision
from fleetcast.fleet.results import FamilyBest
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.job_args.tuning import JudgeHoldout
from fleetcast.jobs import judge_holdout
from fleetcast.splits.folds import holdout_fold
from fleetcast.store.holdout import count_looks
from fleetcast.store.manifests import Manifest, RunFolder
from fleetcast.store.objects import Store
from fleetcast.training.fitting import load_model, predict
from fleetcast.training.parameters import STAGE_1
from fleetcast.training.rows import holdout_labels
from fleetcast.training.run_data import load_run_data
from fleetcast.training.variant_folds import VariantFolds
from fleetcast.tuning.objective import macro_average_precision
from ready_run import make_ready_run

POINT = {**STAGE_1, "num_leaves": 8, "learning_rate": 0.1}


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> FleetJobArgs:
    """Stage 1 has chosen a variant for each family; its models are made up."""
    args = make_ready_run(tmp_path_factory.mktemp("store").as_uri())
    bests = [
        FamilyBest(
            family_id=family.family_id,
            variant_id=next(args.variants_of(family)).variant_id,
            raw_best_variant_id=None,
            n_trained=12,
            n_judged=12,
            n_skipped=0,
            validation={"delta": 0.01},
        )
        for family in args.families()
    ]
    families = {best.family_id: best.model_dump(mode="json") for best in bests}
    RunFolder(Store(args.store), args.run_key).stage("family_bests").commit(facts={"families": families})
    return args


@pytest.fixture
def args(ready: FleetJobArgs, tmp_path: Path) -> FleetJobArgs:
    shutil.copytree(Store(ready.store).local_path(""), tmp_path / "copy")
    return ready.model_copy(update={"store": (tmp_path / "copy").as_uri(), "tune": True})


def entry(variant_id: str) -> dict[str, Any]:
    return {
        "stage": 4,
        "study": "stage-4-0123456789abcdef0123",
        "number": 3,
        "parameters": POINT,
        "value": 0.4,
        "default_value": None,
        "variant_id": variant_id,
        "patience": 50,
    }


def judge(args: FleetJobArgs, tuned: dict[str, dict[str, Any]]) -> Manifest:
    folder = RunFolder(Store(args.store), args.run_key)
    folder.tuning_result(4).commit(facts={"tuned": tuned})
    judge_holdout.run(args.for_job(JudgeHoldout))
    return folder.stage("holdout").require()


def test_each_tuned_family_looks_once_with_its_own_model(args: FleetJobArgs) -> None:
    tuned, other, left_out = args.families()
    variants = {family.family_id: list(args.variants_of(family))[1] for family in (tuned, other)}
    manifest = judge(args, {family_id: entry(variant.variant_id) for family_id, variant in variants.items()})
    facts, data = manifest.facts, load_run_data(args)
    assert facts["holdout_looks"] == facts["holdout_looks_of_all_runs"] == 2
    bests = {family_id: FamilyBest.model_validate(best) for family_id, best in facts["families"].items()}
    assert list(bests) == [family.family_id for family in args.families()]
    for family_id, variant in variants.items():
        labels = data.family_labels(family_id)
        holdout = holdout_labels(labels.variant_view(variant, args), data.parts)
        model = load_model(data.folder.stage("holdout").read(f"{family_id}.model.txt"))
        predicted, best = predict(model, data.matrix[holdout.row]), bests[family_id]
        kept = np.load(io.BytesIO(data.folder.stage("holdout").read(f"{family_id}.predictions.npy")))
        np.testing.assert_allclose(kept, predicted, atol=1e-6)
        baseline = np.load(io.BytesIO(data.folder.stage("holdout").read(f"{family_id}.structure_predictions.npy")))
        of_baseline = macro_average_precision(baseline, holdout.y)
        assert of_baseline == pytest.approx(best.holdout["structure_macro_average_precision"], abs=1e-5)
        found = macro_average_precision(predicted, holdout.y)
        assert best.holdout["macro_average_precision"] == pytest.approx(found)
        assert best.holdout["random_baseline"] == random_macro_average_precision(holdout.y)
        assert {"delta_low", "direction_high"} < set(best.holdout)
        assert "score" not in best.holdout
        assert (best.variant_id, best.n_holdout) == (variant.variant_id, len(holdout.y))
        assert best.validation == {"delta": 0.01}
        assert facts["fits"][family_id]["best_round"] == model.num_trees() // 3
    assert (bests[left_out.family_id].holdout, bests[left_out.family_id].n_holdout) == ({}, 0)
    assert bests[left_out.family_id].reason == "no trial of its study has a score"


def test_the_model_is_fitted_on_the_window_before_the_holdout_alone(args: FleetJobArgs) -> None:
    data, variant = load_run_data(args), args.variants()[0]
    (rows,) = VariantFolds(data, variant, [holdout_fold(data.parts.n_rows)]).rows
    assert data.parts.n_rows * 4 // 10 <= rows.fit.row.min()
    assert rows.fit.end_row.max() < rows.stop.row.min()
    assert rows.stop.end_row.max() < data.parts.validation_end <= rows.scored.row.min()
    expected = holdout_labels(data.family_labels(variant.family.family_id).variant_view(variant, args), data.parts)
    assert np.array_equal(rows.scored.row, expected.row)


def test_a_repeated_look_is_not_taken_and_a_run_made_anew_gives_the_same_models(
    args: FleetJobArgs, ready: FleetJobArgs, tmp_path: Path
) -> None:
    variant = args.variants()[0]
    tuned = {variant.family.family_id: entry(variant.variant_id)}
    first = judge(args, tuned)
    assert judge(args, tuned) == first
    assert count_looks(Store(args.store), dataset_rev=args.dataset_rev) == 1
    shutil.copytree(Store(ready.store).local_path(""), tmp_path / "anew")
    anew = args.model_copy(update={"store": (tmp_path / "anew").as_uri()})
    assert judge(anew, tuned).outputs == first.outputs


def test_a_variant_that_is_not_in_the_fleet_is_refused_before_the_look(args: FleetJobArgs) -> None:
    with pytest.raises(DataError, match=r"stage 4 has tuned \['btc-w7-x'\] \(1 in all\), which are not in the fleet"):
        judge(args, {"btc-w5-high": entry("btc-w7-x")})
    assert count_looks(Store(args.store), dataset_rev=args.dataset_rev) == 0
