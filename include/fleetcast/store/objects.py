"""The one door to the object store: a local folder or S3, through obstore, with the same atomic create-if-absent."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlparse

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import LocalStore, S3Store

from fleetcast.errors import ConfigurationError, StoreError, StoreUnwritableError

UNWRITABLE_SIGNS = (
    "No space left",
    "Read-only file system",
    "Permission denied",
    "Disk quota",
    "Not a directory",
    "File exists",
    "File too large",
)
INSTANCE_METADATA = "169.254.169.254"  # where a client without credentials asks for some
CHUNK_BYTES = 8 * 1024**2


def digest_bytes(data: bytes | memoryview) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Store:
    """Objects under one URI, named by ``/``-separated paths.

    Writes are atomic: a reader finds the whole object or none, also after the writer was killed.
    """

    def __init__(self, uri: str, *, patience: timedelta | None = None) -> None:
        """Opens ``file:///folder``, a plain folder path, or ``s3://bucket/prefix`` (credentials from ``AWS_*``).

        Args:
            uri: where.
            patience: how long a remote store may take to answer before one request fails, for whoever has somebody
                waiting; None is the client's own, which tries for minutes.

        Raises:
            ConfigurationError: a URI of another kind.
            StoreUnwritableError: the folder cannot be made.
        """
        self.uri = uri.rstrip("/")
        with _translated("open", self.uri):
            self._objects = _open(self.uri, patience)

    def read(self, path: str) -> bytes:
        """The whole object. Raises StoreError when there is none."""
        data = self.read_if_exists(path)
        if data is None:
            raise _missing(f"{self.uri}/{path}")
        return data

    def read_if_exists(self, path: str) -> bytes | None:
        """The whole object, or None."""
        with _translated("read", f"{self.uri}/{path}"):
            try:
                return bytes(obstore.get(self._objects, path).bytes())
            except (NotFoundError, FileNotFoundError):
                return None

    def fetch(self, path: str, folder: Path) -> Path:
        """The object as a file: a local store's own, else a copy in the folder. Raises StoreError without one."""
        own = self.local_path(path)
        if own is not None:
            if not own.is_file():
                raise _missing(f"{self.uri}/{path}")
            return own
        target = folder / Path(path).name
        with _translated("read", f"{self.uri}/{path}"), target.open("wb") as file:
            try:
                for chunk in obstore.get(self._objects, path).stream(min_chunk_size=CHUNK_BYTES):
                    file.write(chunk)
            except (NotFoundError, FileNotFoundError):
                raise _missing(f"{self.uri}/{path}") from None
        return target

    def write(self, path: str, data: bytes | memoryview) -> str:
        """Writes the object, over an earlier one too; returns its digest."""
        with _translated("write", f"{self.uri}/{path}"):
            obstore.put(self._objects, path, data, use_multipart=False)
        return digest_bytes(data)

    def create(self, path: str, data: bytes) -> bool:
        """Writes the object unless there is one; False when somebody else was first."""
        with _translated("create", f"{self.uri}/{path}"):
            try:
                obstore.put(self._objects, path, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def check_writable(self) -> None:
        """Raises StoreUnwritableError when nothing can be written, before work is done whose result is lost."""
        self.write("probe", b"")
        self.delete("probe")

    def exists(self, path: str) -> bool:
        """Whether the object is there."""
        with _translated("look for", f"{self.uri}/{path}"):
            try:
                obstore.head(self._objects, path)
            except (NotFoundError, FileNotFoundError):
                return False
        return True

    def delete(self, path: str) -> None:
        """Removes the object if it is there."""
        with _translated("delete", f"{self.uri}/{path}"), suppress(NotFoundError, FileNotFoundError):
            obstore.delete(self._objects, path)

    def list_objects(self, prefix: str) -> Iterator[str]:
        """The paths of all objects under the prefix, in no order."""
        with _translated("list", f"{self.uri}/{prefix}"):
            for batch in obstore.list(self._objects, prefix):
                yield from (entry["path"] for entry in batch)

    def list_files(self, prefix: str) -> list[str]:
        """The names of the objects directly under the prefix, sorted; what lies in folders below is not asked for."""
        with _translated("list", f"{self.uri}/{prefix}"):
            result = obstore.list_with_delimiter(self._objects, prefix)
        return sorted(Path(entry["path"]).name for entry in result["objects"])

    def list_folders(self, prefix: str) -> list[str]:
        """The names directly under the prefix, sorted."""
        with _translated("list", f"{self.uri}/{prefix}"):
            result = obstore.list_with_delimiter(self._objects, prefix)
        return sorted(Path(name).name for name in result["common_prefixes"])

    def modified_at(self, path: str) -> datetime | None:
        """When the object was last written, UTC; None when there is none."""
        with _translated("look for", f"{self.uri}/{path}"):
            try:
                modified: datetime = obstore.head(self._objects, path)["last_modified"]
            except (NotFoundError, FileNotFoundError):
                return None
        return modified

    def newest_at(self, prefix: str) -> datetime | None:
        """When anything under the prefix was last written, UTC; None when nothing is there."""
        with _translated("list", f"{self.uri}/{prefix}"):
            return max(
                (entry["last_modified"] for batch in obstore.list(self._objects, prefix) for entry in batch),
                default=None,
            )

    def local_path(self, path: str) -> Path | None:
        """Where the object lies on this machine, so that it can be memory-mapped; None on a remote store."""
        folder = local_folder(self.uri)
        return None if folder is None else folder / path


def local_folder(uri: str) -> Path | None:
    """The folder that a store's URI names on this machine; None for a remote store."""
    parsed = urlparse(uri)
    return Path(unquote(parsed.path)) if parsed.scheme in ("", "file") else None


def _missing(where: str) -> StoreError:
    return StoreError(f"no object {where}: expected an earlier stage to have written it; run it first")


def _open(uri: str, patience: timedelta | None) -> LocalStore | S3Store:
    parsed = urlparse(uri)
    if parsed.scheme in ("", "file"):
        return LocalStore(Path(unquote(parsed.path)), mkdir=True)
    if parsed.scheme == "s3":
        if patience is None:
            return S3Store.from_url(uri, client_options={"allow_http": True})
        return S3Store.from_url(
            uri,
            client_options={"allow_http": True, "timeout": patience},
            retry_config={"max_retries": 1, "retry_timeout": patience},
        )
    raise ConfigurationError(f"unknown store {uri!r}: expected file:///folder or s3://bucket/prefix")


@contextmanager
def _translated(verb: str, where: str) -> Iterator[None]:
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError, PermissionError) as exc:
        raise StoreUnwritableError(f"cannot {verb} {where}: no permission. Check the store's credentials.") from exc
    except (BaseError, OSError) as exc:
        # Behind "Debug source" stands the client's inner state: retries, and addresses that it tried for credentials.
        reason = " ".join(str(exc).split("Debug source")[0].split())[:300].rstrip(" .")
        if "NoSuchBucket" in reason:
            raise ConfigurationError(
                f"cannot {verb} {where}: there is no such bucket. Make it, or name another"
            ) from exc
        if INSTANCE_METADATA in reason:
            raise StoreError(
                f"cannot {verb} {where}: no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            ) from exc
        if any(sign in reason for sign in UNWRITABLE_SIGNS):
            raise StoreUnwritableError(f"cannot {verb} {where}: {reason}. Make room or choose another store.") from exc
        raise StoreError(f"cannot {verb} {where}: {reason}") from exc
