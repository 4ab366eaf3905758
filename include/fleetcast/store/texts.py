"""Small texts that a file or an object holds, such as a configuration."""

from pathlib import Path

from fleetcast.errors import ConfigurationError
from fleetcast.store.objects import Store


def read_text(path: str) -> str:
    """A file's or an object's text.

    Raises:
        ConfigurationError: there is no such file.
        StoreError: there is no such object.
    """
    if "://" in path:
        folder, _, name = path.rpartition("/")
        return Store(folder).read(name).decode()
    try:
        return Path(path).read_text()
    except OSError as exc:
        raise ConfigurationError(f"cannot read {path}: {exc.strerror}") from exc
