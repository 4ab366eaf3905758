from pathlib import Path

from fleetcast.store.holdout import count_looks, note_looks
from fleetcast.store.objects import Store


def test_looks_of_all_runs_on_the_same_bars_add_up(tmp_path: Path) -> None:
    store = Store(tmp_path.as_uri())
    assert count_looks(store, dataset_rev="d") == 0
    note_looks(store, dataset_rev="d", run_key="one", n_looks=36)
    note_looks(store, dataset_rev="d", run_key="two", n_looks=3)
    note_looks(store, dataset_rev="other", run_key="three", n_looks=7)
    assert count_looks(store, dataset_rev="d") == 39


def test_a_repeated_attempt_sees_the_same_and_adds_no_look(tmp_path: Path) -> None:
    store = Store(tmp_path.as_uri())
    for _ in range(2):
        note_looks(store, dataset_rev="d", run_key="one", n_looks=36)
    assert count_looks(store, dataset_rev="d") == 36
