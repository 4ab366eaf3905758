import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fleetcast.errors import VariantError
from fleetcast.evaluation.judging import judge
from fleetcast.fleet.results import VariantResult
from fleetcast.fleet.variants import Variant
from fleetcast.job_args.fleet import FleetJobArgs, TrainVariants
from fleetcast.store.manifests import RunFolder
from fleetcast.training.fitting import predict
from fleetcast.training.rows import validation_labels
from fleetcast.training.run_data import RunData, load_run_data
from fleetcast.training.structure import refit_structure

FLEETCAST = Path(sys.executable).with_name("fleetcast")
N_TRAINED = 6


@pytest.fixture(scope="module")
def trained(ready_run_made_once: FleetJobArgs) -> RunData:
    """A run with its first six variants trained, by the job: this process has threads, which no fork survives."""
    job = ready_run_made_once.for_job(TrainVariants, shard=0, variants_per_pod=N_TRAINED, n_processes=1)
    subprocess.run([str(FLEETCAST), *job.to_argv()], check=True, stderr=subprocess.DEVNULL)
    return load_run_data(ready_run_made_once)


def results(folder: RunFolder, data: RunData) -> list[VariantResult]:
    trained = data.args.variants()[:N_TRAINED]
    return [VariantResult.model_validate(folder.variant(v.variant_id).require().facts) for v in trained]


def judged_pairs(data: RunData) -> list[tuple[Variant, VariantResult]]:
    pairs = zip(data.args.variants(), results(data.folder, data), strict=False)
    return [(variant, result) for variant, result in pairs if result.judged]


def test_the_baseline_that_a_variant_was_compared_with_comes_out_again(trained: RunData) -> None:
    assert judged_pairs(trained)
    for variant, result in judged_pairs(trained):
        labels = trained.family_labels(variant.family.family_id)
        structure = refit_structure(trained, labels, variant, best_round=result.structure_best_round)
        validation = validation_labels(labels.variant_view(variant, trained.args), trained.parts)
        probabilities = predict(structure.booster, labels.structure[validation.events])
        weights = trained.validation_draws[validation.row - trained.parts.train_end]
        again = judge(probabilities, probabilities, y=validation.y, weights=weights)
        expected = result.metrics["structure_macro_average_precision"]
        np.testing.assert_allclose(again["macro_average_precision"], expected, rtol=1e-12)


def test_a_variant_that_is_not_judged_has_no_baseline(trained: RunData) -> None:
    unjudged = [result for result in results(trained.folder, trained) if not result.judged]
    assert unjudged
    assert {(result.structure_best_round, result.structure_cpu_seconds) for result in unjudged} == {(0, 0.0)}


def test_a_baseline_that_comes_out_otherwise_is_refused(trained: RunData) -> None:
    variant, result = judged_pairs(trained)[0]
    labels = trained.family_labels(variant.family.family_id)
    with pytest.raises(VariantError, match=f"{variant.variant_id}: its structure baseline stops at round"):
        refit_structure(trained, labels, variant, best_round=result.structure_best_round + 1)
