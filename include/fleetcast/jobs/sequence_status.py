"""sequence status: the sequence models of a store, from their manifests."""

import json
from typing import Any

from fleetcast.job_args.sequence import SequenceStatus
from fleetcast.settings import read_settings
from fleetcast.store.manifests import sequence_folder
from fleetcast.store.objects import Store

STAGES = ("model", "evaluation", "registration", "study")


def run(args: SequenceStatus) -> None:
    """Prints one line a model or search."""
    store = Store(args.store or read_settings().store)
    for key in store.list_folders("sequence"):
        found = describe(store, key)
        print(json.dumps(found) if args.json_lines else "  ".join(f"{name} {value}" for name, value in found.items()))


def describe(store: Store, key: str) -> dict[str, Any]:
    """What is committed of one key, and whether a fit goes on."""
    found: dict[str, Any] = {"key": key}
    manifests = {stage: sequence_folder(store, key, stage).committed() for stage in STAGES}
    found["done"] = [stage for stage, manifest in manifests.items() if manifest]
    model, study, evaluation = manifests["model"], manifests["study"], manifests["evaluation"]
    if model:
        found |= {name: model.facts[name] for name in ("experiment_name", "best_epoch", "total_epochs")}
    elif store.exists(f"sequence/{key}/checkpoint.npz"):
        found["fit"] = "goes on from its checkpoint"
    if study:
        found |= {"n_trials": study.facts["n_trials"], "n_complete": study.facts["n_by_state"]["complete"]}
        found |= {"best": study.facts["best_trials"][0]["value"]}
    if evaluation and "is_good" in evaluation.facts:
        found["is_good"] = evaluation.facts["is_good"]
    return found
