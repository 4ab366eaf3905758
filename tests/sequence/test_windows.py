import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.errors import DataError
from fleetcast.job_args.sequence_config import DataSplit
from fleetcast.sequence.windows import Scaler, check_two_classes, split_windows

SPLIT = DataSplit()


@given(n_rows=st.integers(220, 3000), sequence_length=st.integers(2, 12), horizon=st.integers(1, 5))
def test_no_row_and_no_label_belongs_to_two_parts(n_rows: int, sequence_length: int, horizon: int) -> None:
    split = split_windows(n_rows, split=SPLIT, sequence_length=sequence_length, horizon=horizon, first_row=20)
    assert split.train[0] - sequence_length + 1 == 20
    for earlier, later in ((split.train, split.val), (split.val, split.test)):
        assert earlier[-1] + horizon < later[0] - sequence_length + 1
        assert later[0] - earlier[-1] - 1 == split.purged_size
    assert split.test[-1] + horizon == n_rows - 1


def test_fewer_rows_than_the_sequence_length_are_refused() -> None:
    with pytest.raises(DataError, match="no window for validation: its 20 of 100 rows hold none of sequence_length 30"):
        split_windows(120, split=SPLIT, sequence_length=30, horizon=1, first_row=20)
    with pytest.raises(DataError, match="no window for training: its 0 of 0 rows"):
        split_windows(10, split=SPLIT, sequence_length=30, horizon=1, first_row=20)


def test_the_scaler_knows_training_rows_alone() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(3, 2, (100, 4, 2)).astype(np.float32)
    scaler = Scaler.fit(rows[:70])
    scaled = scaler.apply(rows)
    np.testing.assert_allclose(scaled[:70].mean(axis=0), 0, atol=1e-2)
    changed = rows.copy()
    changed[70:] *= 100
    np.testing.assert_array_equal(scaler.apply(changed)[:70], scaled[:70])


def test_a_crash_is_held_and_a_constant_column_is_zero() -> None:
    rows = np.zeros((50, 2), np.float32)
    rows[:, 0] = np.arange(50)
    scaler = Scaler.fit(rows)
    assert scaler.apply(np.array([[1e6, 0.0]], np.float32)).tolist() == [[5.0, 0.0]]


def test_one_class_only_is_refused() -> None:
    split = split_windows(200, split=SPLIT, sequence_length=5, horizon=1, first_row=0)
    target = np.tile([0, 1], 100).astype(np.int8)
    check_two_classes(target, split)
    target[split.val] = 1
    with pytest.raises(DataError, match="the validation part has one class only: 35 of 35 days are up"):
        check_two_classes(target, split)
