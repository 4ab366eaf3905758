"""All columns of full width on 32,000 bars: time, memory, cost beside the bare calls, and how the cost grows."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

N_BARS = 32_000
LINEAR = 1.15  # four times the bars or columns may cost so much more than four times


def measure() -> dict[str, Any]:
    """Wall seconds of all blocks on two threads; ratios are of CPU seconds, so that a busy machine shifts none."""
    whole = cost("ours", N_BARS, 1.0)
    bare = cost("bare", N_BARS, 1.0)
    by_bars = [cost("ours", N_BARS // n, 1.0) for n in (4, 2)]
    by_columns = [cost("ours", N_BARS, share) for share in (0.25, 0.5)]
    live = cost("live", N_BARS, 1.0)
    ratio = whole["cpu_seconds"] / bare["cpu_seconds"]
    bars_growth = whole["cpu_seconds"] / by_bars[0]["cpu_seconds"] / 4
    a_column = [one["cpu_seconds"] / one["columns"] for one in (*by_columns, whole)]
    return {
        "value": round(whole["seconds"], 1),
        "unit": "s",
        "limit": 240,
        "also": {
            "peak_at_most_2_gib": whole["peak_mib"] <= 2048,
            "ratio_at_most_1.5": ratio <= 1.5,
            "linear_in_bars": bars_growth <= LINEAR,
            "linear_in_columns": a_column[2] / a_column[0] <= LINEAR,
        },
        "ratio": round(ratio, 3),
        "peak_mib": round(whole["peak_mib"]),
        "columns": whole["columns"],
        "bars": N_BARS,
        "cpu_seconds": round(whole["cpu_seconds"], 1),
        "bare_cpu_seconds": round(bare["cpu_seconds"], 1),
        "bare_seconds": round(bare["seconds"], 1),
        "nanoseconds_a_cell": round(1e9 * whole["cpu_seconds"] / whole["columns"] / N_BARS, 1),
        "cpu_seconds_at_quarter_half_whole_bars": [round(one["cpu_seconds"], 1) for one in (*by_bars, whole)],
        "milliseconds_a_column_at_quarter_half_whole_columns": [round(1000 * one, 2) for one in a_column],
        "live_400_columns_cpu_seconds": round(live["cpu_seconds"], 2),
    }


def cost(way: str, n_bars: int, share: float) -> dict[str, float]:
    """Of one process that computes ``share`` of the columns; see `feature_cost`."""
    script = str(Path(__file__).with_name("feature_cost.py"))
    done = subprocess.run([sys.executable, script, way, str(n_bars), str(share)], check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout)
    print(way, n_bars, share, found, file=sys.stderr)
    return found
