"""Many fleets, one line a fleet in a file, so that a collection goes on where an earlier one ended."""

import json
import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from market_fleet import MarketFleet, study_service


def collect(
    fleet: MarketFleet, seeds: Sequence[int], *, folder: Path, n_processes: int = 1, until: float = float("inf")
) -> list[dict[str, Any]]:
    """The fleets of these seeds, as far as they are known: those that are not in the folder yet are run first.

    Args:
        fleet: what they have in common.
        seeds: one a fleet.
        folder: keeps a file of each kind of fleet.
        n_processes: fleets at a time.
        until: by the monotonic clock, when no further fleet is begun.
    """
    path = folder / f"{fleet.name}.jsonl"
    missing = [seed for seed in seeds if seed not in _read(path)]
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as ending:
        if missing and fleet.n_trials is not None:
            ending.enter_context(study_service(Path(ending.enter_context(tempfile.TemporaryDirectory()))))
        context = multiprocessing.get_context("spawn")  # what a fork inherits of the object store's client is broken
        pool = ending.enter_context(ProcessPoolExecutor(n_processes, mp_context=context))
        while missing and time.monotonic() < until:
            begun, missing = missing[:n_processes], missing[n_processes:]
            for done in as_completed([pool.submit(fleet.run, seed) for seed in begun]):
                with path.open("a") as lines:
                    lines.write(json.dumps(done.result()) + "\n")
    known = _read(path)
    return [known[seed] for seed in seeds if seed in known]


def _read(path: Path) -> dict[int, dict[str, Any]]:
    """By seed; of two lines of one seed the later."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {line["seed"]: line for line in map(json.loads, lines)}
