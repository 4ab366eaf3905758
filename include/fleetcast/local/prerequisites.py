"""What a machine must have before anything starts; each miss is one clear line."""

import ctypes
import sys
from pathlib import Path

from fleetcast.errors import ConfigurationError
from fleetcast.local.layout import Layout


def check_prerequisites(layout: Layout, *, bars: str) -> None:
    """Checks the system, both environments and the bars.

    Raises:
        ConfigurationError: the first thing that is missing, and how to get it.
    """
    if sys.platform != "linux":
        raise ConfigurationError(f"the local deployment needs Linux (a container or WSL will do), got {sys.platform}")
    check_library("libgomp.so.1")
    for program in (layout.airflow_bin / "airflow", layout.trainer_bin / "fleetcast", layout.trainer_bin / "mlflow"):
        if not program.exists():
            raise ConfigurationError(
                f"no {program}: run `make run` in the repository's folder, it makes both environments"
            )
    if bars != "sample" and "://" not in bars and not Path(bars).exists():
        raise ConfigurationError(
            f"no bars at {bars}: expected a Parquet or CSV file, a folder of them, the URI of either, or `sample`"
        )


def check_library(name: str) -> None:
    """Raises ConfigurationError when the system has no such library; LightGBM cannot be imported without OpenMP's."""
    try:
        ctypes.CDLL(name)
    except OSError as exc:
        raise ConfigurationError(
            f"{name} is missing, and LightGBM needs it: install it with `apt-get install libgomp1` "
            f"(Debian, Ubuntu) or `dnf install libgomp` (Fedora, RHEL)"
        ) from exc
