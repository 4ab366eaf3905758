"""A small run that is ready to train: real bars and labels, and columns made from the bars in plain sight."""

import io
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from certified import certify
from fleetcast.data.snapshot import load_snapshot
from fleetcast.fleet.results import FamilyBest
from fleetcast.job_args.fleet import FleetJobArgs, LabelEvents
from fleetcast.jobs import label_events
from fleetcast.labels.families import load_family_labels
from fleetcast.selection.sampling import describe_seen, sample_variants, selection_rows
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
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
    sampled = [
        selection_rows(load_family_labels(run.stage("labels"), one.family.family_id), one, grid=args, screen_end=3000)
        for one in sample_variants(args, args.n_selection_models)
    ]
    folder.commit(facts={"n_columns": len(columns), "screen_end": 3000, "seen_rows": describe_seen(sampled)})
    certificate = certify(store)
    run.stage("features").commit(inputs={"certificate": certificate.digest}, facts={"certificate_key": certificate.key})
    return args


@pytest.fixture
def ready_run(store: Store) -> FleetJobArgs:
    """A fresh one for each test."""
    return make_ready_run(store.uri)


@pytest.fixture(scope="module")
def ready_run_made_once(tmp_path_factory: pytest.TempPathFactory) -> FleetJobArgs:
    """One for all tests of a module."""
    return make_ready_run(tmp_path_factory.mktemp("store").as_uri())


@pytest.fixture(scope="module")
def new_production_run(ready_run_made_once: FleetJobArgs) -> Callable[..., FleetJobArgs]:
    """Copies of the ready run, each under the key of its own seed, that are ready for production training.

    ``tuned`` is what tuning chose; without it the first two families have a best variant and the last has none.
    """

    def make(*, seed: int, tuned: dict[str, dict[str, Any]] | None = None) -> FleetJobArgs:
        changes = {"seed": seed, "tune": tuned is not None}
        args = ready_run_made_once.model_copy(update=changes).with_run_key()
        store = Store(args.store)
        shutil.copytree(
            store.local_path(f"runs/{ready_run_made_once.run_key}"), store.local_path(f"runs/{args.run_key}")
        )
        run = RunFolder(store, args.run_key)
        columns = run.stage("production/columns")
        columns.write("matrix.npy", run.stage("columns").read("matrix.npy"))
        columns.commit(facts={"screen_end": 6000})
        if tuned is not None:
            run.tuning_result(4).commit(facts={"tuned": tuned})
            return args
        families = {}
        for place, family in enumerate(args.families()):
            variant = list(args.variants_of(family))[place]
            best = FamilyBest(
                family_id=family.family_id,
                variant_id=variant.variant_id if place < 2 else None,
                raw_best_variant_id=None,
                n_trained=12,
                n_judged=12,
                n_skipped=0,
            )
            families[family.family_id] = best.model_dump(mode="json")
        run.stage("family_bests").commit(facts={"families": families})
        return args

    return make
