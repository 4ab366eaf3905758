"""A supervisor to try on real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from supervised import Supervised


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    """A supervisor that has ended when the test has."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    running = Supervised(folder)
    yield running
    if running.process is not None and running.process.poll() is None:
        running.end()
