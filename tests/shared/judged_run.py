"""A finished run on real labels whose models are made up: what they predicted is noise, or what really followed."""

import io
import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fleetcast.evaluation.judging import judge
from fleetcast.fleet.results import FamilyBest, VariantResult
from fleetcast.fleet.variants import Variant
from fleetcast.job_args.fleet import FleetJobArgs, LabelEvents
from fleetcast.jobs import label_events
from fleetcast.labels.families import VariantLabels, load_family_labels
from fleetcast.metrics.bootstrap import block_weights
from fleetcast.splits.parts import Parts
from fleetcast.store.holdout import note_looks
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.training.rows import validation_labels
from taken_run import take_run

HOLDOUT = {"delta": 0.01, "direction": 0.52}
UNJUDGED, SKIPPED = "holdout holds 7 rows of class neither, at least 10 needed", "143 events, at least 200 needed"


def write_judged_run(store: Store, *, planted: Sequence[str] = ()) -> FleetJobArgs:
    """Commits a micro run's labels, variants and family bests.

    Of each family the first variant is skipped, the last is not judged, and the third is the best.

    Args:
        store: where.
        planted: variant ids whose predictions know a good deal of what follows.
    """
    args = take_run(store)
    label_events.run(args.for_job(LabelEvents))
    run = RunFolder(store, args.run_key)
    run.stage("plan").commit(facts=args.model_dump(mode="json", exclude={"store"}))
    families = {}
    for family in args.families():
        variants = list(args.variants_of(family))
        for place, variant in enumerate(variants):
            _write_variant(run, args, variant, place=place, edge=3.0 * (variant.variant_id in planted))
        best = FamilyBest(
            family_id=family.family_id,
            variant_id=variants[2].variant_id,
            raw_best_variant_id=variants[2].variant_id,
            n_trained=len(variants) - 1,
            n_judged=len(variants) - 2,
            n_skipped=1,
            holdout=HOLDOUT,
        )
        families[family.family_id] = best.model_dump(mode="json")
    note_looks(store, dataset_rev=args.dataset_rev, run_key=args.run_key, n_looks=len(families))
    run.stage("family_bests").commit(facts={"families": families, "holdout_looks": len(families)})
    return args


def validation_of(run: RunFolder, args: FleetJobArgs, variant: Variant) -> VariantLabels:
    """The rows that the variant is judged on."""
    labels = load_family_labels(run.stage("labels"), variant.family.family_id)
    parts = Parts.of(run.stage("labels").require().facts["n_rows"])
    return validation_labels(labels.variant_view(variant, args), parts)


def _write_variant(run: RunFolder, args: FleetJobArgs, variant: Variant, *, place: int, edge: float) -> None:
    folder, judged = run.variant(variant.variant_id), place != 11
    common = {
        "variant_id": variant.variant_id,
        "family_id": variant.family.family_id,
        "n_events": 400,
        "n_by_class": {},
    }
    if place == 0:
        folder.commit(facts=VariantResult(**common, status="skipped", reason=SKIPPED).model_dump(mode="json"))
        return
    rows = validation_of(run, args, variant)
    rng = np.random.default_rng([5, *variant.variant_id.encode()])
    own, structure = _predict(rng, rows.y, edge=edge), _predict(rng, rows.y, edge=0.0)
    folder.write("predictions.npy", _npy(own))
    metrics = {}
    if judged:
        folder.write("structure_predictions.npy", _npy(structure))
        parts = Parts.of(run.stage("labels").require().facts["n_rows"])
        start, stop = parts.bounds("validation")
        weights = block_weights(stop - start, 2 * max(args.horizon_bars), n_draws=200, seed=args.seed)
        exact = (own.astype(np.float64), structure.astype(np.float64))
        metrics = judge(*exact, y=rows.y, weights=weights[rows.row - start])
    reason = None if judged else UNJUDGED
    result = VariantResult(**common, status="trained", judged=judged, unjudged_reason=reason, metrics=metrics)
    folder.commit(facts=json.loads(result.model_dump_json()))


def _predict(rng: np.random.Generator, y: npt.NDArray[np.int8], *, edge: float) -> npt.NDArray[np.float32]:
    odds = np.exp(rng.standard_normal((len(y), 3)) + edge * np.eye(3)[y])
    return np.asarray(odds / odds.sum(axis=1, keepdims=True), dtype=np.float32)


def _npy(array: npt.NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
