"""What the code that applies the certificate gets wrong is refused before anything is trained; what is right is not."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from changed_inputs import CHANGES, ChangedInputs
from fleetcast.audit.certificate import Certificate
from fleetcast.errors import DataError, LookAheadError
from fleetcast.features.columns import Column
from fleetcast.features.engine import compute_columns
from fleetcast.job_args.fleet import SelectColumns
from fleetcast.jobs import select_columns
from fleetcast.splits.parts import Parts
from fleetcast.training.checked_inputs import COLUMNS, checks_folder, require_checked
from fleetcast.training.column_checks import find_known_too_soon
from fleetcast.training.input_checks import check_inputs, find_other_cuts, load_stored
from fleetcast.training.run_data import load_matrix, load_run_data


@pytest.fixture
def inputs(columns_run, tmp_path) -> ChangedInputs:
    return ChangedInputs.of(columns_run.args, tmp_path / "store")


@pytest.mark.parametrize("name", CHANGES)
def test_what_an_edit_stores_is_refused(inputs, name):
    change, said = CHANGES[name]
    change(inputs)
    with pytest.raises(LookAheadError, match=said) as refused:
        check_inputs(inputs.args, COLUMNS)
    assert refused.value.exit_code == 2
    assert "\n" not in str(refused.value)
    with pytest.raises(DataError, match="were not compared with the bars"):
        load_run_data(inputs.args)


def test_inputs_as_the_jobs_store_them_are_accepted_whole(columns_run):
    facts = checks_folder(columns_run.folder, COLUMNS).require().facts
    assert facts["n_matrix_columns"] == 40
    assert (facts["n_stored_columns"], facts["n_dropped_columns"]) == (32, 40)
    assert (facts["n_families"], facts["n_selection_models"]) == (3, 3)
    assert facts["n_labels"] > facts["n_events"] > 1000
    assert (
        load_run_data(columns_run.args).inputs["checks"]
        == checks_folder(columns_run.folder, COLUMNS).require().output_digest
    )


def test_values_within_the_warm_up_are_found_without_the_code_that_masks_them(columns_run):
    stored = load_stored(columns_run.args, COLUMNS)
    names = [column["name"] for column in stored.selected]
    of_all = compute_columns(stored.bars, names)
    masked = stored.recompute(names)
    assert not find_known_too_soon(stored, dict(zip(names, masked.T, strict=True)))
    found = find_known_too_soon(stored, dict(zip(names, of_all.T, strict=True)))
    assert len(found) == sum(np.isnan(masked).sum(axis=0) > np.isnan(of_all).sum(axis=0)) > 10
    assert "expected nothing known before row" in found[0]
    forgetful = Forgetful.model_construct(**dict(stored.certificate))
    assert find_known_too_soon(replace(stored, certificate=forgetful), dict(zip(names, of_all.T, strict=True))) == found


class Forgetful(Certificate):
    """It asks for no history of any column, as the code that masks them would then believe."""

    def warm_up_of(self, column: Column, *, bar_ms: int) -> int:
        return 0


@pytest.mark.parametrize("changed", [{"screen_end": 5400}, {"train_end": 4260}, {"validation_end": 6000}])
def test_time_that_is_cut_elsewhere_by_its_own_code_is_found(changed):
    parts = Parts.of(6000)
    assert not find_other_cuts(parts)
    (line,) = find_other_cuts(replace(parts, **changed))
    assert "expected [3000, 4200, 5400]" in line


@pytest.mark.parametrize("run_key", ["0123456789abcdef0123", "another run", "and one more"])
def test_other_samples_are_accepted_too(columns_run, run_key):
    runs = columns_run.store.local_path("runs")
    shutil.copytree(runs / columns_run.args.run_key, runs / run_key, ignore=shutil.ignore_patterns("checks"))
    check_inputs(columns_run.under(run_key).args, COLUMNS)


def test_check_that_was_killed_is_made_again_by_the_job(inputs):
    assert checks_folder(inputs.run, COLUMNS).committed() is None
    select_columns.run(inputs.args.for_job(SelectColumns))
    assert load_run_data(inputs.args).matrix.shape == (6000, 40)


def test_columns_that_were_selected_again_since_are_refused(columns_run, inputs):
    shutil.copytree(
        columns_run.store.local_path(f"runs/{columns_run.args.run_key}/checks"),
        inputs.run.store.local_path(f"{inputs.run.path}/checks"),
    )
    load_run_data(inputs.args)
    inputs.change_matrix(lambda matrix: matrix + 1)
    with pytest.raises(
        DataError, match=r"the columns of run .* are not those that were compared with the bars: expected"
    ):
        load_run_data(inputs.args)


def test_matrix_that_is_loaded_with_other_values_is_refused(columns_run):
    matrix = load_matrix(columns_run.folder.stage(COLUMNS))
    for other in (np.roll(matrix, 1, axis=0), matrix[:, ::-1]):
        with pytest.raises(
            DataError, match=r"loaded with other values than were checked: at row \d+, column \d+ expected"
        ):
            require_checked(columns_run.folder, COLUMNS, matrix=other)
    with pytest.raises(DataError, match=r"loaded as \(6000, 39\): expected 40 columns"):
        require_checked(columns_run.folder, COLUMNS, matrix=matrix[:, 1:])


def test_time_that_is_cut_elsewhere_is_refused(columns_run):
    matrix = load_matrix(columns_run.folder.stage(COLUMNS))
    require_checked(columns_run.folder, COLUMNS, matrix=matrix, parts=Parts.of(6000))
    with pytest.raises(DataError, match="cut elsewhere than when its inputs were checked"):
        require_checked(columns_run.folder, COLUMNS, matrix=matrix, parts=Parts.of(6600))
