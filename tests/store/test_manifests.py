import mmap
import re
import threading

import pytest

from fleetcast.errors import StoreError
from fleetcast.store.manifests import RunFolder, StageFolder, name_request
from fleetcast.store.objects import Store


def test_a_stage_counts_only_once_its_manifest_is_committed(store: Store) -> None:
    folder = StageFolder(store, "runs/k/labels", key="k")
    folder.write("a.npz", b"1")
    assert folder.committed() is None
    with pytest.raises(StoreError, match="stage 'labels' has no manifest"):
        folder.require()
    manifest = folder.commit(inputs={"bars": "x"}, facts={"n_rows": 3})
    assert StageFolder(store, "runs/k/labels", key="k").require() == manifest
    assert folder.read("a.npz") == b"1"


def test_an_output_that_changed_after_the_commit_is_refused(store: Store) -> None:
    folder = StageFolder(store, "runs/k/labels", key="k")
    folder.write("a.npz", b"1")
    folder.commit()
    store.write("runs/k/labels/a.npz", b"2")
    with pytest.raises(StoreError, match="does not match its manifest"):
        folder.read("a.npz")
    with pytest.raises(StoreError, match="does not match its manifest"), folder.open_file("a.npz"):
        pass


def test_an_output_is_opened_as_a_file_whose_mapping_outlives_it(any_store_uri: str) -> None:
    folder = StageFolder(Store(any_store_uri), "runs/k/labels", key="k")
    folder.write("a.bin", b"mapped")
    folder.commit()
    with folder.open_file("a.bin") as path, path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    assert mapped[:] == b"mapped"
    assert path.exists() == any_store_uri.startswith("file:")


def test_of_many_commits_exactly_one_counts(store: Store) -> None:
    manifests = []

    def commit(number: int) -> None:
        folder = StageFolder(store, "runs/k/labels", key="k")
        manifests.append(folder.commit(facts={"number": number}))

    threads = [threading.Thread(target=commit, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({m.facts["number"] for m in manifests}) == 1


def test_committed_and_failed_variants_are_told_apart(store: Store) -> None:
    run = RunFolder(store, "k")
    run.variant("a").commit()
    run.variant("b").write("model.txt", b"half done")
    run.write_failure("b", "killed")
    assert run.committed_variants() == {"a"}
    assert run.failed_variants() == {"b"}
    run.delete_failure("b")
    assert run.failed_variants() == set()


def test_a_manifest_that_cannot_be_read_names_itself(store: Store) -> None:
    store.write("runs/k/labels/manifest.json", b"{")
    with pytest.raises(StoreError, match=r"runs/k/labels/manifest.json is no manifest: Invalid JSON"):
        StageFolder(store, "runs/k/labels", key="k").committed()


def test_a_stage_that_is_done_is_logged_as_such(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    folder = StageFolder(store, "runs/k/labels", key="k")
    assert not folder.is_done()
    folder.commit()
    assert folder.is_done()
    assert caplog.messages == ["runs/k/labels is committed already"]


def test_a_request_is_named_by_environment_dag_and_run_and_fits_a_path() -> None:
    name = name_request(environment="local-dev", dag_id="train_fleet", run_id="manual__2026-03-04T05:06:00+00:00")
    assert re.fullmatch(r"local-dev-train_fleet-manual__2026-03-04T05-06-00-00-00-[0-9a-f]{8}", name)
    others = {
        name_request(environment="local-dev", dag_id="train_fleet", run_id="manual__2026-03-04T05-06-00+00:00"),
        name_request(environment="staging", dag_id="train_fleet", run_id="manual__2026-03-04T05:06:00+00:00"),
        name_request(environment="local", dag_id="dev-train_fleet", run_id="manual__2026-03-04T05:06:00+00:00"),
    }
    assert len(others | {name}) == 4
