"""The screen over all columns of full width and 30,000 rows."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from feature_cost import features_folder, store_features
from long_bars import make_long_bars

from fleetcast.features.catalogue import list_blocks

N_ROWS = 30_000


def measure() -> dict[str, Any]:
    """Wall seconds on two threads, and the peak of the process."""
    with tempfile.TemporaryDirectory() as home:
        bars = make_long_bars(N_ROWS)
        store_features(features_folder(Path(home)), bars, list_blocks(tuple(bars.bars)))
        script = str(Path(__file__).with_name("screen_cost.py"))
        done = subprocess.run([sys.executable, script, home], check=True, stdout=subprocess.PIPE)
    cost = json.loads(done.stdout)
    return {
        "value": round(cost["seconds"], 1),
        "unit": "s",
        "limit": 300,
        "also": {"peak_at_most_4_gib": cost["peak_mib"] <= 4096},
        "peak_mib": round(cost["peak_mib"]),
        "cpu_seconds": round(cost["cpu_seconds"], 1),
        "rows": N_ROWS,
        "columns": cost["kept"] + sum(cost["dropped"].values()),
        "kept": cost["kept"],
        "dropped": cost["dropped"],
    }
