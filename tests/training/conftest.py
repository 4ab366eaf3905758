"""A small run that is ready to train: real bars and labels, and columns made from the bars in plain sight."""

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fleetcast.fleet.results import FamilyBest
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.training.checked_inputs import PRODUCTION_COLUMNS, commit_checks
from fleetcast.training.run_data import load_matrix
from ready_run import make_ready_run


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
        commit_checks(run, PRODUCTION_COLUMNS, matrix=load_matrix(columns), rows=np.arange(0, 6000, 400), facts={})
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
