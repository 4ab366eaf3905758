"""Small texts that a file or an object holds, such as a configuration."""

from pathlib import Path

from fleetcast.errors import ConfigurationError
from fleetcast.store.objects import Store


def read_text(path: str) -> str:
    """A file's or an object's text.

    Raises:
        ConfigurationError: there is no such file, or it is no text in UTF-8.
        StoreError: there is no such object.
    """
    try:
        return _read(path).decode("utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError as exc:
        raise ConfigurationError(f"cannot read {path}: it is no text in UTF-8 ({exc.reason} at {exc.start})") from exc


def _read(path: str) -> bytes:
    if "://" in path:
        folder, _, name = path.rpartition("/")
        return Store(folder).read(name)
    try:
        return Path(path).read_bytes()
    except OSError as exc:
        raise ConfigurationError(f"cannot read {path}: {exc.strerror}") from exc
