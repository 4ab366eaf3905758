import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetcast.errors import ConfigurationError, StoreError, StoreUnwritableError
from fleetcast.store.objects import Store, digest_bytes, digest_file


def test_what_is_written_is_read(any_store_uri: str) -> None:
    store = Store(any_store_uri)
    assert store.write("a/b.bin", b"one") == digest_bytes(b"one")
    store.write("a/b.bin", b"two")
    assert store.read("a/b.bin") == b"two"
    assert Store(any_store_uri).exists("a/b.bin")


def test_an_object_is_fetched_as_a_file(any_store_uri: str, tmp_path: Path) -> None:
    store, content = Store(any_store_uri), bytes(range(256)) * 2**16
    store.write("a/b.bin", memoryview(content))
    path = store.fetch("a/b.bin", tmp_path)
    assert path.read_bytes() == content
    assert digest_file(path) == digest_bytes(content)
    assert (path == store.local_path("a/b.bin")) == any_store_uri.startswith("file:")


def test_a_missing_object_is_not_fetched(any_store_uri: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"no object {any_store_uri}/nothing/here"):
        Store(any_store_uri).fetch("nothing/here", tmp_path)


def test_only_the_first_create_writes(any_store_uri: str) -> None:
    store = Store(any_store_uri)
    assert store.create("a/manifest.json", b"first")
    assert not store.create("a/manifest.json", b"second")
    assert store.read("a/manifest.json") == b"first"


def test_a_missing_object_is_said_with_its_address(any_store_uri: str) -> None:
    store = Store(any_store_uri)
    assert store.read_if_exists("nothing/here") is None
    assert not store.exists("nothing/here")
    with pytest.raises(StoreError, match=f"no object {any_store_uri}/nothing/here"):
        store.read("nothing/here")


def test_lists_and_folders_and_deletes(any_store_uri: str) -> None:
    store = Store(any_store_uri)
    for path in ("runs/x/a", "runs/y/b", "runs/y/c/d"):
        store.write(path, b".")
    assert sorted(store.list_objects("runs/y")) == ["runs/y/b", "runs/y/c/d"]
    assert store.list_folders("runs") == ["x", "y"]
    store.delete("runs/y/b")
    store.delete("runs/y/b")
    assert sorted(store.list_objects("runs")) == ["runs/x/a", "runs/y/c/d"]
    assert list(store.list_objects("none")) == []


def test_another_scheme_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown store 'ftp://x': expected file:///folder or s3://bucket"):
        Store("ftp://x")


def test_a_store_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnwritableError, match="cannot open"):
        Store((tmp_path / "file" / "store").as_uri())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a full disk needs the right to mount one: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_store_is_refused_and_holds_no_half_object(small_disk: Path) -> None:
    store = Store(small_disk.as_uri())
    with pytest.raises(StoreUnwritableError, match="No space left"):
        store.write("a", b"x" * 2**20)
    assert not store.exists("a")
    assert not store.create("b", b"y") or store.read("b") == b"y"


def test_a_store_that_can_be_written_is_left_as_it_was(any_store_uri: str) -> None:
    store = Store(any_store_uri)
    store.check_writable()
    assert list(store.list_objects("")) == []


def test_a_read_only_store_is_refused(small_disk: Path) -> None:
    store = Store(small_disk.as_uri())
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(StoreUnwritableError, match=f"Read-only file system|{errno.EROFS}"):
        store.write("a", b"x")


@pytest.mark.parametrize("any_store_uri", ["s3"], indirect=True)
def test_a_bucket_that_is_not_there_is_named(any_store_uri: str) -> None:
    store = Store("s3://no-such-bucket/runs")
    with pytest.raises(ConfigurationError, match=r"s3://no-such-bucket/runs/.*: there is no such bucket"):
        list(store.list_objects("a"))
    with pytest.raises(ConfigurationError, match="there is no such bucket"):
        store.write("a", b"x")
