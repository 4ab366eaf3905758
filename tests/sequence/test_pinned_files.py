import hashlib
from pathlib import Path

import pytest

from fleetcast.errors import DataError
from fleetcast.sequence.pinned_files import pinned_file

CONTENT = b"bars"
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@pytest.fixture
def pin(tmp_path: Path) -> Path:
    """A .dvc file in a repository whose default remote is a folder beside it."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n    remote = near\n['remote \"near\"']\n    url = ../remote\n")
    pin = tmp_path / "data" / "panel.parquet.dvc"
    pin.parent.mkdir()
    pin.write_text(f"outs:\n- md5: {MD5}\n  size: 4\n  hash: md5\n  path: panel.parquet\n")
    return pin


def push(remote: Path, content: bytes = CONTENT) -> None:
    folder = remote / "files" / "md5" / MD5[:2]
    folder.mkdir(parents=True)
    (folder / MD5[2:]).write_bytes(content)


def test_the_remote_gives_what_is_pinned(pin: Path, tmp_path: Path) -> None:
    push(tmp_path / "remote")
    with pinned_file(str(pin), remote=None) as found:
        assert Path(found.path).read_bytes() == CONTENT
        assert found.source == f"{tmp_path / 'remote'} (DVC, md5 {MD5})"


def test_another_remote_may_be_named(pin: Path, tmp_path: Path) -> None:
    push(tmp_path / "elsewhere")
    with pinned_file(str(pin), remote=(tmp_path / "elsewhere").as_uri()) as found:
        assert Path(found.path).read_bytes() == CONTENT


def test_the_local_copy_stands_in_and_that_is_announced(pin: Path, caplog: pytest.LogCaptureFixture) -> None:
    pin.with_suffix("").write_bytes(CONTENT)
    with pinned_file(str(pin), remote=None) as found:
        assert found.path == str(pin.with_suffix(""))
        assert "the local copy, because DVC's remote did not give it" in found.source
    assert "falling back to the local copy" in caplog.text


def test_the_local_copy_stands_in_for_a_remote_that_only_dvc_can_ask(pin: Path) -> None:
    pin.with_suffix("").write_bytes(CONTENT)
    with pinned_file(str(pin), remote="ssh://host/remote") as found:
        assert found.path == str(pin.with_suffix(""))


def test_a_pinned_file_may_lie_in_a_folder_beside_the_pin(pin: Path, tmp_path: Path) -> None:
    pin.write_text(pin.read_text().replace("path: panel", "path: raw/panel"))
    push(tmp_path / "remote")
    with pinned_file(str(pin), remote=None) as found:
        assert Path(found.path).name == "panel.parquet"
        assert Path(found.path).read_bytes() == CONTENT


def test_content_that_is_not_pinned_is_refused(pin: Path, tmp_path: Path) -> None:
    push(tmp_path / "remote", b"other")
    with pytest.raises(DataError, match=f"expected md5 {MD5}, got "), pinned_file(str(pin), remote=None):
        pass


def test_content_that_is_nowhere_is_refused(pin: Path) -> None:
    with (
        pytest.raises(DataError, match=r"neither in DVC's remote nor at .* run `dvc pull`"),
        pinned_file(str(pin), remote=None),
    ):
        pass


def test_a_file_that_pins_nothing_is_refused(pin: Path) -> None:
    pin.write_text("stages: {}")
    with (
        pytest.raises(DataError, match="pins no file: expected one entry under 'outs'"),
        pinned_file(str(pin), remote=None),
    ):
        pass


def test_any_other_path_is_itself() -> None:
    with pinned_file("s3://bucket/panel.parquet", remote=None) as found:
        assert found.path == found.source == "s3://bucket/panel.parquet"


def test_a_repository_that_dvc_made_gives_its_file() -> None:
    """``dvc init``, ``remote add``, ``add`` and ``push`` of DVC 3.67.1 made it; its cache and data were removed."""
    pin = Path(__file__).parent / "dvc_repository" / "repository" / "data" / "panel.csv.dvc"
    with pinned_file(str(pin), remote=None) as found:
        assert Path(found.path).read_text().splitlines()[1] == "2020-01-01T00:00:00Z,s00,1,1,1,1,10"
        assert found.source.endswith("(DVC, md5 c412f5dd2366d94cfad6f059f61f411a)")
