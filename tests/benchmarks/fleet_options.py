"""What `noise` and `edge` share: their options, and a share with the interval that its count allows."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from prepared import HOME
from scipy import stats

N_TRIALS = 1  # of each study: a fleet then takes 17 s of CPU; with 4 it takes 59


def parse_options(*, n_fleets: int) -> argparse.Namespace:
    """From the command line after the benchmark's name.

    Args:
        n_fleets: of the long form.
    """
    parser = argparse.ArgumentParser(prog=f"python tests/benchmarks {sys.argv[1]}")
    parser.add_argument("--fleets", type=int, default=n_fleets, help="how many, of each kind")
    parser.add_argument("--preset", default="micro")
    parser.add_argument("--trials", type=int, default=N_TRIALS, help="of each study; 0: stage 1 alone")
    parser.add_argument("--simulated", type=int, default=200, help="fleets of made-up scores, of each kind")
    parser.add_argument("--processes", type=int, default=1, help="fleets at a time")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no fleet after so long")
    parser.add_argument("--folder", type=Path, default=HOME / "fleets", help="keeps the fleets that were run")
    options = parser.parse_args(sys.argv[2:])
    options.n_trials = options.trials or None
    options.until = time.monotonic() + options.seconds
    return options


def check_any(found: object) -> None:
    """Ends the program where there is nothing to count."""
    if not found:
        raise SystemExit("no fleet was run: give more --fleets or --seconds")


def share(count: int, n: int) -> dict[str, Any]:
    """With its 95 % interval.

    Source: Clopper & Pearson 1934, "The use of confidence or fiducial limits illustrated in the case of the binomial".
    """
    if not n:
        return {"count": 0, "n": 0, "share": None, "interval": None}
    interval = stats.binomtest(count, n).proportion_ci(0.95, method="exact")
    return {
        "count": count,
        "n": n,
        "share": round(count / n, 4),
        "interval": [round(float(interval.low), 4), round(float(interval.high), 4)],
    }
