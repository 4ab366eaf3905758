from dataclasses import replace

import numpy as np
import pytest

from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.splits.parts import Parts
from fleetcast.training.earlier import earlier_fold, fit_earlier, is_reference
from fleetcast.training.run_data import RunData, load_run_data


@pytest.fixture
def data(ready_run: FleetJobArgs) -> RunData:
    return load_run_data(ready_run)


def test_references_are_the_variants_with_the_most_events_of_every_threshold(data: RunData) -> None:
    for family in data.args.families():
        variants = list(data.args.variants_of(family))
        references = [variant for variant in variants if is_reference(variant, data.args)]
        assert [variant.threshold for variant in references] == list(data.args.thresholds)
        most = max(data.counts[variant.variant_id]["events"] for variant in variants)
        assert {data.counts[variant.variant_id]["events"] for variant in references} == {most}


def test_the_time_before_validation_begins_where_columns_are_selected_no_more() -> None:
    parts = Parts.of(6000)
    fold = earlier_fold(parts)
    assert (fold.train_start, fold.train_end, fold.end) == (0, parts.screen_end, parts.train_end)


def test_nothing_from_validation_on_changes_what_is_predicted_before(data: RunData) -> None:
    variant = next(v for v in data.args.variants() if is_reference(v, data.args))
    labels = data.family_labels(variant.family.family_id)
    expected = fit_earlier(data, labels, variant)
    assert expected is not None
    assert expected.rows.scored.row.min() >= data.parts.screen_end
    assert expected.rows.scored.end_row.max() < data.parts.train_end
    changed = np.array(data.matrix)
    changed[data.parts.train_end :] = 1e6
    found = fit_earlier(replace(data, matrix=changed), labels, variant)
    assert found is not None
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    changed[: data.parts.screen_end] *= -1  # but what it was fitted on does
    other = fit_earlier(replace(data, matrix=changed), labels, variant)
    assert other is not None
    assert not np.array_equal(other.probabilities, expected.probabilities)


def test_a_variant_with_too_few_rows_gives_no_evidence(data: RunData) -> None:
    variant = next(v for v in data.args.variants() if is_reference(v, data.args))
    labels = data.family_labels(variant.family.family_id)
    assert np.any(labels.row < data.parts.screen_end)
    late = replace(data, parts=replace(data.parts, screen_end=int(labels.row.min())))
    assert fit_earlier(late, labels, variant) is None
