"""A sequence model brought into the registry: its run, its report, its file, its version, and last its alias."""

from collections.abc import Mapping
from typing import Any

from fleetcast.registry.versions import FoundVersion, Versions
from fleetcast.store.manifests import REPORT_FILE, Manifest, sequence_folder
from fleetcast.store.objects import Store
from fleetcast.tracking.models import MODEL_TAG, delete_unfinished_models
from fleetcast.tracking.records import COMPLETE_TAG, KEY_TAG, KIND_TAG, MAX_TAG_CHARACTERS
from fleetcast.tracking.sequence_models import SequenceModelRecord, log_sequence_model
from fleetcast.tracking.sequence_runs import KIND, log_sequence_run
from fleetcast.tracking.tracker import FoundRun, Tracker

FILES = ("config.json", "history.json", "scaler.npz")  # what a user of the model needs beside it


def register_sequence_model(tracker: Tracker, store: Store, *, run_key: str, model: Any, file: bytes) -> FoundVersion:
    """Registers a model that was trained and judged; each step looks first for what an earlier attempt has left.

    Args:
        tracker: the experiment; it is opened here.
        store: where the manifests are.
        run_key: the model's.
        model: as Keras has loaded it.
        file: its ``.keras`` file, as the store holds it.

    Raises:
        StoreError: the model was not trained, or not judged.
        ServiceError: MLflow does not answer.
    """
    trained = sequence_folder(store, run_key, "model")
    judged = sequence_folder(store, run_key, "evaluation")
    manifest, evaluation = trained.require(), judged.require()
    run = log_sequence_run(tracker, store, run_key=run_key)
    tracker.log_page(run, REPORT_FILE, text=judged.read(REPORT_FILE).decode())
    record = SequenceModelRecord(
        name=registered_name(manifest.facts["experiment_name"]),
        model=model,
        file=file,
        input_shape=tuple(manifest.facts["input_shape"]),
        tags={KIND_TAG: KIND, "run_key": run_key},
        metadata=_named(manifest) | {"scores": evaluation.facts["scores"]},
        files={name: trained.read(name) for name in FILES if name in manifest.outputs},
    )
    model_id = _model_of(tracker, run, record)
    return _version_of(Versions(tracker), run, record, model_id=model_id, tags=_tags(run, manifest, evaluation))


def registered_name(experiment_name: str) -> str:
    """Such as ``fleetcast-convlstm``."""
    return f"fleetcast-{experiment_name}"


def _model_of(tracker: Tracker, run: FoundRun, record: SequenceModelRecord) -> str:
    known = tracker.tags_of(run).get(MODEL_TAG)
    if known:
        return known
    delete_unfinished_models(tracker, record.tags["run_key"], kind=KIND, finished=frozenset())
    return log_sequence_model(tracker, run, record)


def _version_of(
    versions: Versions, run: FoundRun, record: SequenceModelRecord, *, model_id: str, tags: Mapping[str, str]
) -> FoundVersion:
    description = f"{record.name} {tags['run_key']}, bars up to {tags['cutoff']}. {tags['promotable_reason']}"
    versions.ensure_model(record.name, tags={KIND_TAG: KIND}, description="A sequence model on daily bars.")
    if not (found := versions.find(record.name, key=tags[KEY_TAG])):
        versions.create(record.name, run=run, model_id=model_id, tags=tags, description=description)
        found = versions.find(record.name, key=tags[KEY_TAG])
    version, *others = found
    for other in others:
        versions.delete(other)
    if version.tags.get(COMPLETE_TAG) != "true":
        versions.challenge_if_latest(version)
        versions.update(version, tags={COMPLETE_TAG: "true"}, description=description)
    return version


def _named(manifest: Manifest) -> dict[str, Any]:
    facts = manifest.facts
    names = ("dataset_revs", "cutoff", "features", "symbols", "seed", "precision", "config", "target", "target_scale")
    named = {name: facts[name] for name in names if name in facts}  # a target has a name, or a unit
    return {"run_key": manifest.key, "code_digest": manifest.code_digest, **named}


def _tags(run: FoundRun, manifest: Manifest, evaluation: Manifest) -> dict[str, str]:
    """Promotable only where the report's rules say so: its intervals exclude every baseline."""
    good, advice = evaluation.facts["is_good"], evaluation.facts["recommendations"]
    return {
        KEY_TAG: run.key,
        KIND_TAG: KIND,
        "run_key": manifest.key,
        "dataset_rev": manifest.facts["dataset_revs"][0],
        "cutoff": manifest.facts["cutoff"],
        "code_digest": manifest.code_digest,
        "device": manifest.facts["device"],
        "promotable": str(good).lower(),
        "promotable_reason": (advice[0] if advice else "the report gives no advice")[:MAX_TAG_CHARACTERS],
    }
