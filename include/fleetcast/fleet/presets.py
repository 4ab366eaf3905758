"""Presets: named starting points for the parameters of a run, read from ``default.toml``."""

import tomllib
from importlib.resources import files
from typing import Any, Literal

from pydantic import ConfigDict

from fleetcast.errors import ConfigurationError
from fleetcast.fleet.variants import Grid

FeatureWidth = Literal["core", "full"]


class Preset(Grid):
    """A grid with the sizes of the run around it.

    ``feature_width`` says which columns of the tables compete: the core, or all of them.
    ``last_bars`` keeps only the latest bars of each symbol; None keeps all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    feature_width: FeatureWidth
    n_columns: int
    n_selection_models: int
    last_bars: int | None = None


def preset_names() -> list[str]:
    """The presets in the order of the file."""
    return list(_default_file()["presets"])


def load_preset(name: str, **changes: Any) -> Preset:
    """The preset with ``changes`` laid over it; a change that is None or empty leaves the preset's value.

    Raises:
        ConfigurationError: no such preset, or a value that the grid refuses.
    """
    content = _default_file()
    if name not in content["presets"]:
        raise ConfigurationError(f"unknown preset {name!r}: expected one of {preset_names()}")
    given = {key: value for key, value in changes.items() if value not in (None, "", [], ())}
    return Preset(**{**content["grid"], **content["presets"][name], **given})


def _default_file() -> dict[str, Any]:
    return tomllib.loads(files("fleetcast.fleet").joinpath("default.toml").read_text())
