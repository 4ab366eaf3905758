"""A finished run on real labels whose models are made up: what they predicted is noise, or what really followed.

A tuned one has four trials a study: a failed one, a pruned one, and two finished ones of which the latter is the best.
"""

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fleetcast.evaluation.judging import judge
from fleetcast.fleet.results import EARLIER, FamilyBest, VariantResult
from fleetcast.fleet.variants import Variant
from fleetcast.job_args.fleet import FleetJobArgs, LabelEvents
from fleetcast.jobs import label_events
from fleetcast.labels.families import VariantLabels, load_family_labels
from fleetcast.metrics.bootstrap import block_weights
from fleetcast.splits.parts import Parts
from fleetcast.store.holdout import note_looks
from fleetcast.store.manifests import RunFolder, StageFolder
from fleetcast.store.objects import Store
from fleetcast.training.earlier import earlier_fold, is_reference
from fleetcast.training.fold_rows import fold_rows
from fleetcast.training.rows import holdout_labels, validation_labels
from fleetcast.tuning.stage_folds import stage_folds
from taken_run import take_run

HOLDOUT = {"delta": 0.01, "direction": 0.52}
STATES, FAILED = ("failed", "pruned", "complete", "complete"), "DataError: no row of a class"
UNJUDGED, SKIPPED = "holdout holds 7 rows of class neither, at least 10 needed", "143 events, at least 200 needed"


def write_judged_run(store: Store, *, planted: Sequence[str] = (), tune: bool = False) -> FleetJobArgs:
    """Commits a micro run's labels, variants and family bests and, where it is tuned, its studies and the holdout.

    Of each family the first variant is skipped, the last is not judged, and the third is the best.

    Args:
        store: where.
        planted: variant ids whose predictions know a good deal of what follows, those of every stage.
        tune: with stages 2 to 4, of the families' bests.
    """
    args = take_run(store).model_copy(update={"tune": tune}).with_run_key()
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
            holdout={} if tune else HOLDOUT,
        )
        families[family.family_id] = best.model_dump(mode="json")
    note_looks(store, dataset_rev=args.dataset_rev, run_key=args.run_key, n_looks=len(families))
    bests, holdout = run.stage("family_bests"), run.stage("holdout")
    _write_holdout(holdout if tune else bests, run, args, families=families, planted=planted)
    bests.commit(facts={"families": families, "holdout_looks": 0 if tune else len(families)})
    if tune:
        for stage in (2, 3, 4):
            _write_tuned_stage(run, args, stage, families=families, planted=planted)
        looked = {family_id: best | {"holdout": HOLDOUT} for family_id, best in families.items()}
        holdout.commit(facts={"families": looked, "holdout_looks": len(looked)})
    return args


def validation_of(run: RunFolder, args: FleetJobArgs, variant: Variant) -> VariantLabels:
    """The rows that the variant is judged on."""
    labels = load_family_labels(run.stage("labels"), variant.family.family_id)
    parts = Parts.of(run.stage("labels").require().facts["n_rows"])
    return validation_labels(labels.variant_view(variant, args), parts)


def earlier_of(run: RunFolder, args: FleetJobArgs, variant: Variant) -> VariantLabels:
    """The rows before validation that a reference is scored on."""
    labels = load_family_labels(run.stage("labels"), variant.family.family_id)
    parts = Parts.of(run.stage("labels").require().facts["n_rows"])
    return fold_rows(labels.variant_view(variant, args), earlier_fold(parts)).scored


def tuned_rows_of(run: RunFolder, args: FleetJobArgs, variant: Variant, *, stage: int) -> VariantLabels:
    """The rows that a stage's trials of the variant are scored on, as the stage itself cuts them."""
    labels = load_family_labels(run.stage("labels"), variant.family.family_id)
    view = labels.variant_view(variant, args)
    folds = stage_folds(stage, run.stage("labels").require().facts["n_rows"])
    scored = [fold_rows(view, fold).scored for fold in folds]
    return view.where(np.isin(view.events, np.concatenate([one.events for one in scored])))


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
    if is_reference(variant, args):
        earlier = earlier_of(run, args, variant)
        folder.write(f"{EARLIER}predictions.npy", _npy(_predict(rng, earlier.y, edge=edge)))
        folder.write(f"{EARLIER}structure_predictions.npy", _npy(_predict(rng, earlier.y, edge=0.0)))
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


def _write_holdout(
    folder: StageFolder, run: RunFolder, args: FleetJobArgs, *, families: dict[str, Any], planted: Sequence[str]
) -> None:
    variants = {variant.variant_id: variant for variant in args.variants()}
    parts = Parts.of(run.stage("labels").require().facts["n_rows"])
    for family_id, best in families.items():
        view = load_family_labels(run.stage("labels"), family_id).variant_view(variants[best["variant_id"]], args)
        y, rng = holdout_labels(view, parts).y, np.random.default_rng([9, *family_id.encode()])
        folder.write(f"{family_id}.predictions.npy", _npy(_predict(rng, y, edge=3.0 * (best["variant_id"] in planted))))
        folder.write(f"{family_id}.structure_predictions.npy", _npy(_predict(rng, y, edge=0.0)))


def _write_tuned_stage(
    run: RunFolder, args: FleetJobArgs, stage: int, *, families: dict[str, Any], planted: Sequence[str]
) -> None:
    """The best of all is the last trial of stage 4."""
    folder, outcomes, tuned = run.tuning_result(stage), {}, {}
    variants = {variant.variant_id: variant for variant in args.variants()}
    for family_id, best in families.items():
        if stage == 2 and family_id != next(iter(families)):
            continue
        study, variant = f"stage-{stage}-{family_id}", variants[best["variant_id"]]
        rows = tuned_rows_of(run, args, variant, stage=stage)
        rng = np.random.default_rng([stage, *family_id.encode()])
        for number, state in enumerate(STATES):
            if state == "complete":
                edge = 3.0 * (variant.variant_id in planted)
                trial = run.trial(study, number)
                trial.write("predictions.npy", _npy(_predict(rng, rows.y, edge=edge)))
                trial.write("structure_predictions.npy", _npy(_predict(rng, rows.y, edge=0.0)))
                trial.commit()
        listed = [
            {"number": k, "state": state, "reason": FAILED if state == "failed" else None}
            for k, state in enumerate(STATES)
        ]
        folder.write(f"{family_id}/all_trials.json", json.dumps(listed).encode())
        outcomes[family_id] = {"study": study, "variant_id": variant.variant_id}
        tuned[family_id] = {"study": study, "number": len(STATES) - 1}
    folder.commit(facts={"families": outcomes, "tuned": tuned if stage == 4 else None})


def _predict(rng: np.random.Generator, y: npt.NDArray[np.int8], *, edge: float) -> npt.NDArray[np.float32]:
    odds = np.exp(rng.standard_normal((len(y), 3)) + edge * np.eye(3)[y])
    return np.asarray(odds / odds.sum(axis=1, keepdims=True), dtype=np.float32)


def _npy(array: npt.NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
