"""Rows are checked before anything is trained: with what the run's stages state, and with all variants' labels."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fleetcast.audit.row_audit import check_inside
from fleetcast.errors import DataError, LookAheadError
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.splits.parts import Parts
from fleetcast.store.objects import Store, local_folder
from fleetcast.training.row_checks import check_rows, used_rows
from fleetcast.training.run_data import load_run_data


@pytest.fixture
def changed_run(ready_run_made_once: FleetJobArgs, tmp_path: Path):
    """The same run with other facts in a stage's manifest."""

    def change(stage: str, **facts: Any) -> FleetJobArgs:
        source = local_folder(ready_run_made_once.store)
        assert source is not None
        shutil.copytree(source, tmp_path / "store")
        path = tmp_path / "store" / "runs" / ready_run_made_once.run_key / stage / "manifest.json"
        manifest = json.loads(path.read_text())
        manifest["facts"] = {k: v for k, v in {**manifest["facts"], **facts}.items() if v is not None}
        path.write_text(json.dumps(manifest))
        return ready_run_made_once.model_copy(update={"store": (tmp_path / "store").as_uri()})

    return change


def test_real_rows_of_all_variants_lie_in_their_parts(ready_run_made_once, caplog):
    data = load_run_data(ready_run_made_once)
    with caplog.at_level("INFO"):
        check_rows(data, data.args.families())
    assert "3 families: none reaches a later part" in caplog.text


def test_every_variant_and_purpose_is_looked_at(ready_run_made_once):
    data = load_run_data(ready_run_made_once)
    family = data.args.families()[0]
    labels = data.family_labels(family.family_id)
    purposes = [one.purpose for one in used_rows(labels, family, data.args, parts=data.parts)]
    assert len(purposes) == 2 * len(data.args.deviations) + 2 * len(list(data.args.variants_of(family)))


def test_parts_of_another_timeline_are_refused(ready_run_made_once):
    data = load_run_data(ready_run_made_once)
    family = data.args.families()[0]
    rows = list(used_rows(data.family_labels(family.family_id), family, data.args, parts=data.parts))
    earlier = [replace(one, stop=Parts.of(5000).train_end) for one in rows if one.stop == data.parts.train_end]
    with pytest.raises(LookAheadError, match=r"early stopping: \d+ of \d+ rows lie outside"):
        check_inside(earlier)


def test_training_refuses_features_of_other_code_and_models_name_the_certificate(changed_run, ready_run_made_once):
    assert set(load_run_data(ready_run_made_once).inputs) == {"columns", "labels", "certificate", "checks"}
    stale = changed_run("features", certificate_key="0" * 64)
    with pytest.raises(DataError, match=r"no valid leak certificate: expected .*, got .* of code 000000000000"):
        load_run_data(stale)
    shutil.rmtree(Path(str(Store(stale.store).local_path("certificates"))))
    with pytest.raises(DataError, match="expected certificate none"):
        load_run_data(stale)
