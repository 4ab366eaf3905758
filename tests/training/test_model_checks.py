"""Models are made anew before the best are chosen: one that saw other rows, or predicted others, is refused."""

import io
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fleetcast.errors import LookAheadError
from fleetcast.fleet.results import STRUCTURE_PREDICTIONS, VariantResult
from fleetcast.fleet.variants import Variant
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.labels.families import FamilyLabels
from fleetcast.splits.parts import fit_stop_boundary
from fleetcast.store.objects import Store
from fleetcast.training.family_bests import load_results
from fleetcast.training.fitting import bin_rows, fit_model, model_text
from fleetcast.training.model_checks import N_MODELS, VariantRows, check_models
from fleetcast.training.parameters import stage_1_parameters
from fleetcast.training.run_data import RunData, load_run_data
from fleetcast.training.shard import Shard
from in_this_process import InThisProcess


@pytest.fixture(scope="module")
def trained(ready_run_made_once: FleetJobArgs) -> FleetJobArgs:
    """The ready run with all its variants trained."""
    data = load_run_data(ready_run_made_once)
    with tempfile.TemporaryDirectory() as scratch:
        Shard(data, ready_run_made_once.variants(), workers=InThisProcess(Path(scratch))).train()
    return ready_run_made_once


@pytest.fixture
def data(trained: FleetJobArgs, tmp_path: Path) -> RunData:
    """Of a copy of it."""
    shutil.copytree(Store(trained.store).local_path(""), tmp_path / "copy")
    return load_run_data(trained.model_copy(update={"store": (tmp_path / "copy").as_uri()}))


def test_models_as_shards_store_them_come_out_the_same(data: RunData) -> None:
    names = check_models(data, load_results(data))
    assert len(set(names)) == N_MODELS
    assert names == check_models(data, load_results(data))


def test_a_run_without_models_has_nothing_to_make_anew(data: RunData) -> None:
    skipped = [VariantResult(**{**r.model_dump(), "status": "skipped"}) for r in load_results(data)]
    assert check_models(data, skipped) == []


def on_validation_too(data: RunData, y: np.ndarray, labels: FamilyLabels, rows: VariantRows):
    return data.matrix, y, replace(rows, fit=np.concatenate([rows.fit, rows.judged]))


def stopped_by_validation(data: RunData, y: np.ndarray, labels: FamilyLabels, rows: VariantRows):
    return data.matrix, y, replace(rows, stop=rows.judged)


def without_purge(data: RunData, y: np.ndarray, labels: FamilyLabels, rows: VariantRows):
    boundary = fit_stop_boundary(0, data.parts.train_end)
    own = labels.deviation >= labels.deviation[rows.fit].min()
    return data.matrix, y, replace(rows, fit=np.flatnonzero(own & (labels.row < boundary)))


def on_the_next_bar(data: RunData, y: np.ndarray, labels: FamilyLabels, rows: VariantRows):
    return np.roll(data.matrix, -1, axis=0), y, rows


def on_the_next_label(data: RunData, y: np.ndarray, labels: FamilyLabels, rows: VariantRows):
    return data.matrix, np.roll(y, -1), rows


def on_the_outcome(data: RunData, y: np.ndarray, labels: FamilyLabels, rows: VariantRows):
    matrix = data.matrix.copy()
    matrix[labels.row, 0] = y
    return matrix, y, rows


EDITS = (on_validation_too, stopped_by_validation, without_purge, on_the_next_bar, on_the_next_label, on_the_outcome)


@pytest.mark.parametrize("edit", EDITS)
def test_models_that_saw_what_they_must_not_are_refused(data: RunData, edit) -> None:
    for variant in made_anew(data):
        labels = data.family_labels(variant.family.family_id)
        rows = VariantRows.of(labels, variant, grid=data.args, parts=data.parts)
        matrix, y, rows = edit(data, labels.outcome_of(variant, data.args), labels, rows)
        binned = bin_rows(matrix[labels.row[rows.fit]], matrix[labels.row[rows.stop]])
        parameters = stage_1_parameters(len(rows.fit), seed=data.args.seed)
        model = fit_model(binned, y[rows.fit], y_stop=y[rows.stop], parameters=parameters, max_rounds=60)
        rewrite(data, variant.variant_id, "model.txt", model_text(model))
    with pytest.raises(LookAheadError, match=r"is not what its \d+ rows to fit on and \d+ to stop by before row 4200"):
        check_models(data, load_results(data))


@pytest.mark.parametrize("change", [lambda p: p[::-1], lambda p: p[1:], lambda p: np.roll(p, 1, axis=0)])
@pytest.mark.parametrize("name", ["predictions.npy", STRUCTURE_PREDICTIONS])
def test_predictions_of_other_rows_are_refused(data: RunData, name: str, change) -> None:
    for variant in made_anew(data):
        folder = data.folder.variant(variant.variant_id)
        if name in folder.require().outputs:
            buffer = io.BytesIO()
            np.save(buffer, change(np.load(io.BytesIO(folder.read(name)))))
            rewrite(data, variant.variant_id, name, buffer.getvalue())
    with pytest.raises(LookAheadError, match=rf"{name} of .* rows to fit on give for its \d+ rows from 4200 to 5400"):
        check_models(data, load_results(data))


def made_anew(data: RunData) -> list[Variant]:
    names = check_models(data, load_results(data))
    return [variant for variant in data.args.variants() if variant.variant_id in names]


def rewrite(data: RunData, variant_id: str, name: str, content: bytes) -> None:
    """Another output under a manifest that fits."""
    folder = data.folder.variant(variant_id)
    manifest = json.loads(folder.require().model_dump_json())
    manifest["outputs"][name] = data.folder.store.write(f"{folder.path}/{name}", content)
    data.folder.store.write(f"{folder.path}/manifest.json", json.dumps(manifest).encode())
