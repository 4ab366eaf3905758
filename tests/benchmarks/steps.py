"""Steps per second of the sequence models' fit, against Keras's own `fit` on windows copied into one array."""

import json
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-sequence" / "bin" / "python"


def measure() -> dict[str, Any]:
    """Wall time of our fits over the plain ones', in turn, in one process of the sequence models' environment."""
    if not PYTHON.exists():
        raise SystemExit("the sequence models' environment is missing: run make sequence-environment")
    script = str(Path(__file__).with_name("steps_cost.py"))
    done = subprocess.run([str(PYTHON), script], check=True, stdout=subprocess.PIPE)
    cost = json.loads(done.stdout)
    return {
        "value": round(cost["ours"] / cost["plain"], 3),
        "unit": "of plain Keras's time a step",
        "limit": 1.0,
        "also": {"compute_at_least_90_percent": cost["compute"] >= 0.9 * cost["ours"]},
        "steps_a_second": round(1 / cost["ours"], 2),
        "plain_steps_a_second": round(1 / cost["plain"], 2),
        "cpu_of_plain": round(cost["cpu_over_plain"], 3),
        "share_in_compute": round(min(cost["compute"] / cost["ours"], 1.0), 3),
        "windows_bytes_plain": cost["plain_bytes"],
        "history_bytes_ours": cost["our_bytes"],
        "source_size": cost["source"],
    }
