from pathlib import Path

import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.store.texts import read_text


def test_a_mark_at_the_beginning_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(b"\xef\xbb\xbf{}")
    assert read_text(str(tmp_path / "c.json")) == read_text(f"{tmp_path.as_uri()}/c.json") == "{}"


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes("Börse".encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"cannot read .*c\.json: it is no text in UTF-8 \(.* at 1\)"):
        read_text(str(tmp_path / "c.json"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read .*none\.json: No such file"):
        read_text(str(tmp_path / "none.json"))
