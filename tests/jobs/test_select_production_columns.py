"""select-production-columns on the micro preset: the same step as select-columns, with all rows to look at."""

import io
import json

import numpy as np
import pytest

from fleetcast.errors import DataError
from fleetcast.job_args.tuning import SelectProductionColumns
from fleetcast.jobs import select_production_columns
from fleetcast.selection.selecting import load_rows, sampled_rows
from fleetcast.store.manifests import StageFolder
from fleetcast.training.checked_inputs import PRODUCTION_COLUMNS, checks_folder, require_checked
from fleetcast.training.run_data import load_matrix

N_ROWS = 6000


@pytest.fixture(scope="module")
def production_columns(columns_run) -> StageFolder:
    select_production_columns.run(columns_run.args.for_job(SelectProductionColumns))
    return columns_run.folder.stage("production/columns")


def test_all_rows_up_to_the_cutoff_choose_the_columns(columns_run, production_columns):
    facts, judged = production_columns.require().facts, columns_run.folder.stage("columns").require().facts
    assert facts["screen_end"] == N_ROWS
    assert facts["sampled_variants"] == judged["sampled_variants"]
    for variant_id, n_rows in judged["sampled_rows"].items():
        assert facts["sampled_rows"][variant_id] > 1.5 * n_rows
    for rows in sampled_rows(columns_run.folder.stage("labels"), columns_run.args, screen_end=facts["screen_end"]):
        assert 0.95 * N_ROWS < rows.stop_row.max() < N_ROWS - rows.variant.horizon_bars


def test_matrix_holds_the_columns_over_all_rows_with_medians_of_all(columns_run, production_columns):
    matrix = np.load(io.BytesIO(production_columns.read("matrix.npy")))
    selected = json.loads(production_columns.read("selected.json"))
    values = load_rows(columns_run.folder.stage("features"), [column["name"] for column in selected])
    assert matrix.shape == (N_ROWS, len(selected)) == (N_ROWS, 40)
    medians = np.nanmedian(values, axis=0)
    np.testing.assert_allclose([column["unknown"] for column in selected], medians, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(matrix, np.where(np.isnan(values), medians, values), rtol=1e-5, atol=1e-9)


def test_the_columns_that_models_are_judged_with_stay_as_they_are(columns_run, production_columns):
    judged = columns_run.folder.stage("columns").require()
    assert judged.facts["screen_end"] == N_ROWS // 2
    assert judged.outputs["selected.json"] != production_columns.require().outputs["selected.json"]


def test_columns_are_compared_with_all_rows(columns_run, production_columns):
    digest = require_checked(columns_run.folder, PRODUCTION_COLUMNS, matrix=load_matrix(production_columns))
    assert digest == checks_folder(columns_run.folder, PRODUCTION_COLUMNS).require().output_digest


def test_committed_columns_are_not_selected_again(columns_run, production_columns):
    before = production_columns.require()
    select_production_columns.run(columns_run.args.for_job(SelectProductionColumns))
    assert production_columns.require() == before


def test_features_without_a_certificate_are_refused(columns_run):
    other = columns_run.under("uncertified")
    other.folder.stage("features").commit(facts={"n_rows": N_ROWS, "blocks": {}, "target_related": []})
    with pytest.raises(DataError, match="have no valid leak certificate"):
        select_production_columns.run(other.args.for_job(SelectProductionColumns))
