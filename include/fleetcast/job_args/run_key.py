"""The run key: a digest of what a run computes, so that the same run never computes twice."""

import hashlib
import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value, its keys sorted; 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@cache
def code_digest() -> str:
    """SHA-256 over the package's sources, tables and lock files, by name and content."""
    content = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in _sources(files("fleetcast"), "")}
    return digest_of(content)


def _sources(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            found += _sources(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((".py", ".toml", ".lock", ".html")):
            found.append((f"{prefix}{entry.name}", entry))
    return found
