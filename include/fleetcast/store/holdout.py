"""Looks at the holdout: one note a run, written before it looks, so that none goes uncounted."""

import json

from fleetcast.store.objects import Store


def note_looks(store: Store, *, dataset_rev: str, run_key: str, n_looks: int) -> None:
    """Notes that a run is about to look at the holdout of these bars; a repeated attempt sees the same and adds none.

    Args:
        store: where runs and their bars are.
        dataset_rev: the bars, whose last part is the holdout.
        run_key: of the run.
        n_looks: how many models it will show the holdout to.
    """
    store.create(f"holdout/{dataset_rev}/{run_key}.json", json.dumps({"looks": n_looks}).encode())


def count_looks(store: Store, *, dataset_rev: str) -> int:
    """How often a model of any run has met the holdout of these bars."""
    notes = store.list_objects(f"holdout/{dataset_rev}")
    return sum(int(json.loads(store.read(note))["looks"]) for note in notes)
