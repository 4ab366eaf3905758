from pathlib import Path

import numpy as np
import pytest

from fleetcast.errors import DataError, StoreError
from fleetcast.job_args.sequence import TakePanel, TrainConvlstm
from fleetcast.jobs import take_panel
from fleetcast.sequence.direction_inputs import read_inputs
from fleetcast.sequence.panels import read_panel
from fleetcast.sequence.stored_panels import known_until, load_panel, store_panel
from fleetcast.store.manifests import request_folder
from fleetcast.store.objects import Store
from synthetic_panel import make_panel, write_panel


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store((tmp_path / "store").as_uri())


def test_a_panel_comes_back_as_it_was(store: Store, panel_file: str) -> None:
    panel = read_panel(panel_file)
    store_panel(store, panel, source="somewhere")
    back, source = load_panel(store, panel.dataset_rev)
    assert source == "somewhere"
    assert back.dataset_rev == panel.dataset_rev
    assert back.symbols == panel.symbols
    assert back.findings == panel.findings
    for ours, theirs in zip(back.prices, panel.prices, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_was_changed_in_the_store_is_refused(store: Store, panel_file: str) -> None:
    panel = read_panel(panel_file)
    manifest = store_panel(store, panel, source="somewhere")
    store.write(f"panels/{manifest.key}/panel.parquet", b"other bars")
    with pytest.raises(StoreError, match="does not match its manifest"):
        load_panel(store, panel.dataset_rev)


def test_the_job_says_what_was_known_at_the_cutoff(store: Store, panel_file: str) -> None:
    args = TakePanel(store=store.uri, request="r", panel=panel_file, cutoff="2020-06-30T12:00:00Z")
    take_panel.run(args)
    facts = request_folder(store, "r").require().facts
    assert facts["cutoff"] == "2020-06-30T00:00:00+00:00"
    panel, _ = load_panel(store, facts["dataset_rev"])
    assert known_until(panel).isoformat() == facts["cutoff"]
    take_panel.run(args.model_copy(update={"panel": "gone.parquet"}))  # a retry finds what was taken


def test_a_model_of_a_stored_panel_is_the_model_of_its_file(store: Store, panel_file: str, small_config: str) -> None:
    of_file = TrainConvlstm(store=store.uri, panel=panel_file, config=small_config)
    take_panel.run(TakePanel(store=store.uri, request="r", panel=panel_file))
    rev = request_folder(store, "r").require().facts["dataset_rev"]
    of_store = TrainConvlstm(store=store.uri, dataset_rev=rev, config=small_config)
    assert read_inputs(of_store).run_key == read_inputs(of_file).run_key


def test_an_index_is_taken_beside_its_panel(store: Store, panel_file: str, small_config: str, tmp_path: Path) -> None:
    index = write_panel(tmp_path / "index.parquet", make_panel(260, 1, seed=3))
    take_panel.run(TakePanel(store=store.uri, request="r", panel=panel_file, index=index))
    facts = request_folder(store, "r").require().facts
    revs = {"dataset_rev": facts["dataset_rev"], "index_rev": facts["index_rev"]}
    args = TrainConvlstm(store=store.uri, target="index", config=small_config, **revs)
    assert read_inputs(args).dataset_revs == (facts["dataset_rev"], facts["index_rev"])


def test_bad_bars_leave_nothing_behind(store: Store, panel_file: str) -> None:
    with pytest.raises(DataError, match=r"no bars of \['NONE'\]"):
        take_panel.run(TakePanel(store=store.uri, request="r", panel=panel_file, symbols=("NONE",)))
    assert list(store.list_objects("")) == []
