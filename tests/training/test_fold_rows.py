import numpy as np
import pytest

from fleetcast.errors import DataError
from fleetcast.labels.families import VariantLabels
from fleetcast.splits.folds import Fold
from fleetcast.splits.parts import Parts
from fleetcast.training.fold_rows import FoldRows, check_fold_rows, fold_rows
from fleetcast.tuning.stage_folds import stage_folds

N_ROWS, HORIZON_BARS = 6000, 20


def make_labels(row: np.ndarray, y: np.ndarray) -> VariantLabels:
    reach = np.minimum(row + HORIZON_BARS, N_ROWS)
    return VariantLabels(events=np.arange(len(row)), row=row, y=y.astype(np.int8), known_row=reach, end_row=reach)


@pytest.fixture
def labels() -> VariantLabels:
    row = np.sort(np.random.default_rng(3).choice(N_ROWS - HORIZON_BARS, size=1200, replace=False))
    return make_labels(row, np.arange(len(row)) % 3)


def all_folds(stage: int) -> list[Fold]:
    return list(stage_folds(stage, N_ROWS))


def test_stage_2_has_the_split_of_stage_1_as_its_one_fold() -> None:
    parts = Parts.of(N_ROWS)
    assert all_folds(2) == [Fold(train_start=0, train_end=parts.train_end, end=parts.validation_end)]


@pytest.mark.parametrize("stage", [3, 4])
def test_scored_rows_of_the_rolling_folds_lie_apart_and_in_order_of_time(stage: int, labels: VariantLabels) -> None:
    scored = np.concatenate([fold_rows(labels, fold).scored.row for fold in all_folds(stage)])
    assert len(all_folds(stage)) == 5
    assert np.all(np.diff(scored) > 0)
    assert N_ROWS // 2 <= scored[0] < scored[-1] < N_ROWS * 9 // 10


@pytest.mark.parametrize("stage", [2, 3, 4])
def test_no_label_reaches_a_later_part_and_no_other_row_is_given_up(stage: int, labels: VariantLabels) -> None:
    for fold in all_folds(stage):
        rows = fold_rows(labels, fold)
        boundary = fold.train_start + (fold.train_end - fold.train_start) * 85 // 100
        for part, start, stop in (
            (rows.fit, fold.train_start, boundary),
            (rows.stop, boundary, fold.train_end),
            (rows.scored, fold.train_end, fold.end),
        ):
            expected = [t for t in labels.row if t >= start and t + HORIZON_BARS < stop]
            assert part.row.tolist() == expected
        assert rows.fit.end_row.max() < rows.stop.row.min()
        assert rows.stop.end_row.max() < rows.scored.row.min()
        assert rows.fitted.fit.tolist() == rows.fit.events.tolist()


def rolled(labels: VariantLabels) -> list[FoldRows]:
    return [fold_rows(labels, fold) for fold in all_folds(3)]


def test_a_fold_without_rows_to_fit_is_refused_by_name(labels: VariantLabels) -> None:
    late = labels.where(labels.row >= N_ROWS // 2)
    with pytest.raises(DataError, match=r"btc-w5: fold 0 has no rows to fit in \[0, 3000\)"):
        check_fold_rows(rolled(late), "btc-w5")


def test_a_fold_without_rows_to_stop_by_is_refused_by_name(labels: VariantLabels) -> None:
    with pytest.raises(DataError, match=r"fold 0 has no rows that early stopping watches"):
        check_fold_rows(rolled(labels.where((labels.row < 2500) | (labels.row >= 3000))), "btc-w5")


def test_a_class_may_be_missing_in_one_fold_but_not_in_all(labels: VariantLabels) -> None:
    first = all_folds(3)[0]
    in_first, in_any = labels.row < first.end, labels.row < N_ROWS
    check_fold_rows(rolled(labels.where(~(in_first & (labels.row >= first.train_end) & (labels.y == 1)))), "btc-w5")
    with pytest.raises(DataError, match=r"btc-w5: the \d+ rows that its folds are scored on hold no reversal;"):
        check_fold_rows(rolled(labels.where(~(in_any & (labels.y == 1)))), "btc-w5")
