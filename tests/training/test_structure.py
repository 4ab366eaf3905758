import numpy as np
import pytest

from fleetcast.errors import VariantError
from fleetcast.evaluation.judging import judge
from fleetcast.fleet.results import VariantResult
from fleetcast.fleet.variants import Variant
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.store.manifests import RunFolder
from fleetcast.training.fitting import predict
from fleetcast.training.rows import validation_labels
from fleetcast.training.run_data import RunData, load_run_data
from fleetcast.training.shard import Shard
from fleetcast.training.structure import refit_structure
from fleetcast.training.workers import Limits, Workers


@pytest.fixture(scope="module")
def trained(ready_run_made_once: FleetJobArgs, tmp_path_factory: pytest.TempPathFactory) -> RunData:
    """A run with its first six variants trained, one process after the other."""
    data = load_run_data(ready_run_made_once)
    limits = Limits(seconds=60, memory_bytes=2**31)
    workers = Workers(n_processes=1, limits=limits, scratch=tmp_path_factory.mktemp("scratch"))
    Shard(data, data.args.variants()[:6], workers=workers).train()
    return data


def results(folder: RunFolder, data: RunData) -> list[VariantResult]:
    trained = data.args.variants()[:6]
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
