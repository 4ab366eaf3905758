"""Fixtures that tests of several packages share."""

from pathlib import Path

import pytest

from fleetcast.store.objects import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store in a folder of the test's own."""
    return Store((tmp_path / "store").as_uri())
