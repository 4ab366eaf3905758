"""Files that DVC pins: found in its remote by the digest that the ``.dvc`` file states, else beside that file.

Only DVC's layout is needed for that, not DVC: a pod reads one small YAML file and one object.
"""

import configparser
import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from fleetcast.errors import DataError, FleetcastError
from fleetcast.store.objects import Store

SUFFIX = ".dvc"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PinnedFile:
    """A path to read, and where its content came from, in words."""

    path: str
    source: str


@contextmanager
def pinned_file(path: str, *, remote: str | None) -> Iterator[PinnedFile]:
    """The file that ``path`` means for as long as the block lasts; a path that is no ``.dvc`` file is itself.

    Args:
        path: such as ``data/panel.parquet.dvc``.
        remote: the DVC remote's URI; None is the default one of the nearest ``.dvc/config`` above the file.

    Raises:
        DataError: the ``.dvc`` file is none, or its content is neither in the remote nor beside it, or is another.
    """
    if not path.endswith(SUFFIX):
        yield PinnedFile(path, source=path)
        return
    file = Path(path)
    name, md5 = _read_pin(file)
    with TemporaryDirectory(prefix="fleetcast-dvc-") as folder:
        try:
            place = remote or _default_remote(file)
            copy = Path(folder) / Path(name).name
            copy.write_bytes(Store(place).read(f"files/md5/{md5[:2]}/{md5[2:]}"))
            source = f"{place} (DVC, md5 {md5})"
        except FleetcastError as exc:  # also of a kind of remote that only DVC knows, such as ssh://
            log.warning("DVC's remote does not give %s (%s): falling back to the local copy", name, exc)
            copy = file.parent / name
            source = f"{copy}, the local copy, because DVC's remote did not give it"
        _check(copy, md5, pin=file)
        yield PinnedFile(str(copy), source=source)


def _read_pin(file: Path) -> tuple[str, str]:
    try:
        content: Any = yaml.safe_load(file.read_text())
        (out,) = content["outs"]
        return str(out["path"]), str(out["md5"])
    except OSError as exc:
        raise DataError(f"cannot read {file}: {exc.strerror}") from exc
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as exc:
        raise DataError(f"{file} pins no file: expected one entry under 'outs' with 'path' and 'md5'") from exc


def _default_remote(file: Path) -> str:
    for folder in file.resolve().parents:
        config = folder / ".dvc" / "config"
        if config.is_file():
            parser = configparser.ConfigParser()
            parser.read(config)
            name = parser.get("core", "remote", fallback="")
            url = parser.get(f"'remote \"{name}\"'", "url", fallback="")
            if url:
                return url if "://" in url else str((config.parent / url).resolve())
    raise DataError(f"no .dvc/config above {file} names a default remote: give --dvc-remote")


def _check(copy: Path, md5: str, *, pin: Path) -> None:
    if not copy.is_file():
        raise DataError(f"{pin}: its content is neither in DVC's remote nor at {copy}: run `dvc pull`")
    found = hashlib.md5(copy.read_bytes(), usedforsecurity=False).hexdigest()
    if found != md5:
        raise DataError(f"{copy} is not what {pin} pins: expected md5 {md5}, got {found}. Run `dvc checkout`")
