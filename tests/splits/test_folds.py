import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.splits.folds import Fold, holdout_fold, rolling_folds
from fleetcast.splits.parts import Parts


@pytest.mark.parametrize("n_rows", [100, 6_000, 24_001, 35_137])
def test_slices_tile_the_time_between_screening_and_the_holdout(n_rows: int) -> None:
    folds, parts = rolling_folds(n_rows), Parts.of(n_rows)
    assert folds[0].train_end == parts.screen_end
    assert folds[-1].end == parts.validation_end
    assert [fold.end for fold in folds[:-1]] == [fold.train_end for fold in folds[1:]]


@pytest.mark.parametrize("n_rows", [100, 24_001])
def test_each_window_holds_half_of_the_time_and_ends_where_its_slice_begins(n_rows: int) -> None:
    folds = (*rolling_folds(n_rows), holdout_fold(n_rows))
    assert {fold.train_end - fold.train_start for fold in folds} == {n_rows // 2}
    assert min(fold.train_start for fold in folds) == 0


def test_a_hundred_rows_are_cut_at_whole_percents() -> None:
    assert rolling_folds(100) == (
        Fold(0, 50, 58),
        Fold(8, 58, 66),
        Fold(16, 66, 74),
        Fold(24, 74, 82),
        Fold(32, 82, 90),
    )
    assert holdout_fold(100) == Fold(40, 90, 100)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"cannot cut 9 rows into 5 folds"):
        rolling_folds(9)
