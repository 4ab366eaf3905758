"""The run key: a digest of what a run computes, so that the same run never computes twice."""

import hashlib
import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

CERTIFIED_PACKAGES = ("audit", "data", "features", "labels", "splits")
CERTIFIED_FILES = (
    *("fleet/default.toml", "fleet/presets.py", "fleet/variants.py"),  # the grid, whose labels are certified
    "locks/trainer.lock",
    "data/sample/crypto_15m_2024.parquet",
)
PACKAGE = files("fleetcast")


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value, its keys sorted; 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@cache
def code_digest() -> str:
    """SHA-256 over the package's sources, tables and lock files, by name and content."""
    content = {name: _digest(file) for name, file in _sources(PACKAGE, "")}
    return digest_of(content)


@cache
def certified_sources(package: Traversable = PACKAGE) -> dict[str, str]:
    """SHA-256 of all that decides feature values and labels: packages, the grid, libraries' lock, and the audited bars.

    It needs none of these packages' libraries, so that whoever only looks for a certificate stays light.
    """
    names = {name: file for name, file in _sources(package, "") if name.split("/")[0] in CERTIFIED_PACKAGES}
    packages = {
        part: digest_of({name: _digest(file) for name, file in names.items() if name.startswith(f"{part}/")})
        for part in CERTIFIED_PACKAGES
    }
    return packages | {name: _digest(package.joinpath(name)) for name in CERTIFIED_FILES}


def certificate_key() -> str:
    """The digest that names the present code's certificate."""
    return digest_of(certified_sources())


def _digest(file: Traversable) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _sources(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            found += _sources(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((".py", ".toml", ".lock", ".html")):
            found.append((f"{prefix}{entry.name}", entry))
    return found
