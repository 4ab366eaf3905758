"""Benchmarks: ``python tests/benchmarks NAME`` measures one and prints one JSON line; without a name it lists them.

Those that run many fleets have options after the name (``--help``).
"""

import importlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

NAMES = {
    "stage1": "all variants on 100 columns, against a plain process pool (6 min and more)",
    "overhead": "CPU of a shard's process tree beyond LightGBM's own, 60 variants on 300 columns",
    "fleet300": "all variants on 300 columns, against a bare loop (15 min and more)",
    "growth": "ten times the variants: cost and memory",
    "features": "all feature columns of full width on 32,000 bars, against bare calls of the same formulas (5 min)",
    "screen": "the screen over all columns of full width and 30,000 rows (3 min)",
    "select": "one selection model on 8,000 columns, against LightGBM's defaults; planted columns of 15,000 (5 min)",
    "study": "shared studies under 60 and 200 workers of whom 30 % are killed, beside Optuna's ways (10 min)",
    "noise": "fleets on real bars whose directions are random: in how many anything is promotable (hours; goes on)",
    "edge": "fleets with a planted direction: how many of them are found, by its strength (hours; goes on)",
    "steps": "steps of the ConvLSTM's fit, against plain Keras on the same model and batch (needs .venv-sequence)",
    "parse": "parsing the DAG file, against importing Airflow and the Kubernetes operator",
}
WITH_OPTIONS = ("noise", "edge")
MODULES = {"select": "selection_model"}  # where the module has another name: Python has a `select` of its own


def machine() -> str:
    """Cores and processor, as far as the system says."""
    return f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}, Python {platform.python_version()}"


def main() -> int:
    """Runs the benchmark that the command line names."""
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES or (len(sys.argv) > 2 and sys.argv[1] not in WITH_OPTIONS):
        for name, what in NAMES.items():
            print(f"{name:<10} {what}")
        return 0 if len(sys.argv) == 1 else 2
    name = sys.argv[1]
    sys.path.append(str(Path(__file__).parents[1] / "shared"))
    measured: dict[str, Any] = importlib.import_module(MODULES.get(name, name)).measure()
    ok = measured["value"] <= measured["limit"] and all(measured.get("also", {}).values())
    print(json.dumps({"name": name, **measured, "ok": ok, "machine": machine()}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
