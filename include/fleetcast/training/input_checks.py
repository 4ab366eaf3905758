"""Before anything is trained, what a run has stored is compared with its bars, once a run.

The certificate covers the code that computes values. What applies it (masks, blocks, the matrix, the screen, the rows
that choose columns) is compared here in every run: not with what the stages say that they did, but with values made
anew from the bars. Source: own choice: a cell made anew costs 80 ns, a wrong one every model of the run.
"""

import logging
import time
from dataclasses import asdict

import numpy as np

from fleetcast.audit.certificate import check_certified, require_certificate
from fleetcast.data.snapshot import load_snapshot
from fleetcast.errors import LookAheadError
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.splits.parts import Parts
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.training.checked_inputs import COLUMNS, N_SAMPLE_ROWS, checks_folder, commit_checks
from fleetcast.training.column_checks import compare_columns
from fleetcast.training.label_checks import compare_labels
from fleetcast.training.selection_checks import compare_selection
from fleetcast.training.stored_inputs import StoredInputs

N_SHOWN = 3
CUT_PERCENTS = (50, 70, 90)  # as the design says; what cuts the time cannot vouch for itself
logger = logging.getLogger(__name__)


def check_inputs(args: FleetJobArgs, columns: str) -> None:
    """Compares features, labels and a selection of columns with the bars, and commits that; at once where it is there.

    Args:
        args: of the run.
        columns: the stage that selected them: `COLUMNS` before the screen's end, or `PRODUCTION_COLUMNS` on all rows.

    Raises:
        DataError: the features have no valid leak certificate.
        LookAheadError: what is stored is not what the bars give.
        StoreError: a stage is not done, or an object does not match its manifest.
    """
    run = RunFolder(Store(args.store), args.run_key)
    if checks_folder(run, columns).is_done():
        return
    started, spent = time.monotonic(), time.process_time()
    stored = load_stored(args, columns)
    n_rows = len(stored.bars.timeline)
    facts = compare(stored)
    rows = np.sort(stored.sampler("loaded").choice(n_rows, size=min(N_SAMPLE_ROWS, n_rows), replace=False))
    times = {"seconds": time.monotonic() - started, "cpu_seconds": time.process_time() - spent}
    commit_checks(run, columns, matrix=stored.matrix, rows=rows, facts={**facts, **times})
    logger.info("%s are what the bars give, in %.1f s: %s", columns, times["seconds"], facts)


def load_stored(args: FleetJobArgs, columns: str) -> StoredInputs:
    """The run's bars and what its stages made of them.

    Raises:
        DataError: the features have no valid leak certificate.
        StoreError: a stage is not done, or an object does not match its manifest.
    """
    run = RunFolder(Store(args.store), args.run_key)
    check_certified(run, width=args.feature_width)
    bars = load_snapshot(run.store, args.dataset_rev, until=args.cutoff)
    n_rows = len(bars.timeline)
    return StoredInputs(
        args=args,
        run=run,
        columns=run.stage(columns),
        bars=bars,
        certificate=require_certificate(run.store, args.feature_width),
        screen_end=Parts.of(n_rows).screen_end if columns == COLUMNS else n_rows,
    )


def compare(stored: StoredInputs) -> dict[str, int]:
    """How much was looked at.

    Raises:
        LookAheadError: naming the first differences.
    """
    cuts = find_other_cuts(Parts.of(len(stored.bars.timeline)))
    columns, differences = compare_columns(stored)
    labels, of_labels = compare_labels(stored)
    n_models, of_selection = compare_selection(stored)
    differences = [*cuts, *differences, *of_labels, *of_selection]
    if differences:
        more = f"; and {len(differences) - N_SHOWN} more" if len(differences) > N_SHOWN else ""
        raise LookAheadError(
            f"what run {stored.run.run_key} has stored is not what its bars give: {'; '.join(differences[:N_SHOWN])}"
            f"{more}. Nothing is trained on it: mend the code that stores it and trigger a new run."
        )
    return {**asdict(columns), **asdict(labels), "n_selection_models": n_models}


def find_other_cuts(parts: Parts) -> list[str]:
    """Where time is cut elsewhere than at 50, 70 and 90 %, and so lets a choice see what judges it."""
    expected = [percent * parts.n_rows // 100 for percent in CUT_PERCENTS]
    got = [parts.screen_end, parts.train_end, parts.validation_end]
    return [] if got == expected else [f"time is cut at rows {got}: expected {expected}, at {CUT_PERCENTS} percent"]
