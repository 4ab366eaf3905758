"""A small run that is ready to train: real bars and labels, and columns made from the bars in plain sight."""

import io

import numpy as np

from certified import certify
from fleetcast.data.snapshot import load_snapshot
from fleetcast.job_args.fleet import FleetJobArgs, LabelEvents
from fleetcast.jobs import label_events
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.training.checked_inputs import COLUMNS, commit_checks
from fleetcast.training.run_data import load_matrix
from taken_run import take_run


def make_ready_run(uri: str) -> FleetJobArgs:
    """Arguments of a micro fleet (3 families, 36 variants) whose labels and columns are committed."""
    store = Store(uri)
    args = take_run(store)
    label_events.run(args.for_job(LabelEvents))
    bars = load_snapshot(store, args.dataset_rev, until=args.cutoff)
    columns = []
    for symbol in args.symbols:
        close = np.log(bars.bars[symbol].close)
        columns += [close - np.concatenate([np.full(k, np.nan), close[:-k]]) for k in (1, 3, 8, 21, 55)]
    run = RunFolder(store, args.run_key)
    folder = run.stage("columns")
    buffer = io.BytesIO()
    np.save(buffer, np.stack(columns, axis=1).astype(np.float32))
    folder.write("matrix.npy", buffer.getvalue())
    folder.commit(facts={"n_columns": len(columns), "screen_end": 3000})
    certificate = certify(store)
    run.stage("features").commit(inputs={"certificate": certificate.digest}, facts={"certificate_key": certificate.key})
    commit_checks(run, COLUMNS, matrix=load_matrix(folder), rows=np.arange(0, len(columns[0]), 400), facts={})
    return args
