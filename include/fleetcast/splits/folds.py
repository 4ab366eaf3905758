"""Rolling folds: five validation slices that tile 50-90 % of bar time, each after a training window of 50 %."""

from dataclasses import dataclass

from fleetcast.errors import ConfigurationError
from fleetcast.splits.parts import SCREEN_PERCENT, VALIDATION_PERCENT, Parts

N_FOLDS = 5
WINDOW_PERCENT = 50  # of the time, before a slice


@dataclass(frozen=True)
class Fold:
    """Rows of the timeline: ``[train_start, train_end)`` to fit and stop by, ``[train_end, end)`` to score."""

    train_start: int
    train_end: int
    end: int


def rolling_folds(n_rows: int) -> tuple[Fold, ...]:
    """The five folds of a timeline, in order of time; their slices tile 50-90 % and their windows are equally long.

    Raises:
        ConfigurationError: a slice would have no row.
    """
    span = VALIDATION_PERCENT - SCREEN_PERCENT
    cuts = [(SCREEN_PERCENT * N_FOLDS + span * k) * n_rows // (100 * N_FOLDS) for k in range(N_FOLDS + 1)]
    if len(set(cuts)) != len(cuts):
        raise ConfigurationError(f"cannot cut {n_rows} rows into {N_FOLDS} folds: got cuts at {cuts}. Load more bars.")
    return tuple(_fold(cuts[k], cuts[k + 1], n_rows=n_rows) for k in range(N_FOLDS))


def holdout_fold(n_rows: int) -> Fold:
    """The fold after the last: the holdout, behind the window that a tuned model is fitted on before its one look."""
    parts = Parts.of(n_rows)
    return _fold(parts.validation_end, n_rows, n_rows=n_rows)


def _fold(train_end: int, end: int, *, n_rows: int) -> Fold:
    return Fold(train_start=train_end - WINDOW_PERCENT * n_rows // 100, train_end=train_end, end=end)
