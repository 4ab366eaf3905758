"""Bars that lie in an object store, copied beside the job that reads them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fleetcast.data.files import SUFFIXES
from fleetcast.errors import DataError
from fleetcast.store.objects import Store


@contextmanager
def bars_on_disk(bars: str) -> Iterator[str]:
    """A path to read bars from: ``bars`` itself, or a copy of it for as long as the block lasts.

    Args:
        bars: a path of this machine, ``sample``, or the URI of one file or of a folder, such as ``s3://bucket/bars``.

    Raises:
        DataError: nothing to read at the URI; also what the block raises about the copy, said of the URI.
        StoreError: the object store did not answer.
    """
    if "://" not in bars:
        yield bars
        return
    folder, _, name = bars.rstrip("/").rpartition("/")
    whole = not name.endswith(SUFFIXES)
    store = Store(bars if whole else folder)
    names = [file for file in store.list_files("") if file.endswith(SUFFIXES)] if whole else [name]
    with TemporaryDirectory(prefix="fleetcast-bars-") as copy:
        for file in names:
            content = store.read_if_exists(file)
            if content is not None:
                (Path(copy) / file).write_bytes(content)
        if not any(Path(copy).iterdir()):
            raise DataError(
                f"no bars at {bars}: expected a file that ends in {' or '.join(SUFFIXES)}, or a folder of them"
            )
        try:
            yield copy if whole else f"{copy}/{name}"
        except DataError as exc:
            raise type(exc)(str(exc).replace(copy, store.uri)) from exc
