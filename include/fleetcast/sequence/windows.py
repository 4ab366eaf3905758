"""Windows of a history: cut by time with purge, scaled by their training rows, never copied."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.errors import DataError
from fleetcast.job_args.sequence_config import DataSplit

Rows = npt.NDArray[np.int64]
LARGEST_SCALED = 5.0  # standard deviations; what lies beyond is held there, so that no crash decides a fit
SMALLEST_SCALE = 1e-8


@dataclass(frozen=True)
class WindowSplit:
    """The last rows of each part's windows. A window that ends in row ``t`` is the rows up to and with ``t``.

    No row and no label's day belongs to two parts: between them lie ``purged_size`` windows that belong to none.
    """

    train: Rows
    val: Rows
    test: Rows
    purged_size: int

    @property
    def n_train_rows(self) -> int:
        """The rows, from the first on, that training windows hold."""
        return int(self.train[-1]) + 1


def split_windows(n_rows: int, *, split: DataSplit, sequence_length: int, horizon: int, first_row: int) -> WindowSplit:
    """Cuts time in three, the oldest part for training.

    A part's windows begin at or after its first row, and what they foretell is known before the next part's first
    row: beyond the label's reach, which design asks for, no day is an input of two parts either.

    Args:
        n_rows: of the history.
        split: the parts' shares of the rows from ``first_row`` on.
        sequence_length: rows of a window.
        horizon: rows from a window's last to the one that it foretells.
        first_row: the first with values.

    Raises:
        DataError: a part would have no window.
    """
    n_used = max(0, n_rows - first_row)
    edges = [
        first_row,
        first_row + round(split.train_ratio * n_used),
        first_row + round((split.train_ratio + split.val_ratio) * n_used),
        n_rows,
    ]
    parts = []
    for name, start, stop in zip(("training", "validation", "test"), edges, edges[1:], strict=False):
        ends = np.arange(start + sequence_length - 1, stop - horizon)
        if not len(ends):
            raise DataError(
                f"no window for {name}: its {max(0, stop - start)} of {n_used} rows hold none of sequence_length "
                f"{sequence_length} and the {horizon} after it; of all {n_rows} the first {first_row} only begin the "
                "features. Load a longer history, shorten sequence_length or give it a larger share."
            )
        parts.append(ends)
    train, val, test = parts
    return WindowSplit(train=train, val=val, test=test, purged_size=sequence_length - 1 + horizon)


@dataclass(frozen=True)
class Scaler:
    """Mean and standard deviation of each column, ``(n_columns...)`` as the history's rows are shaped."""

    mean: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]

    @classmethod
    def fit(cls, rows: npt.NDArray[np.float32]) -> "Scaler":
        """Of training rows alone, ``(n_rows, ...)``; a column that never changes becomes 0."""
        scale = rows.std(axis=0, dtype=np.float64)
        return cls(
            mean=rows.mean(axis=0, dtype=np.float64).astype(np.float32),
            scale=np.where(scale < SMALLEST_SCALE, 1.0, scale).astype(np.float32),
        )

    def apply(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The rows in standard deviations from the mean, held within `LARGEST_SCALED`."""
        scaled = (rows - self.mean) / self.scale
        return np.clip(scaled, -LARGEST_SCALED, LARGEST_SCALED, out=scaled)


def check_two_classes(target: npt.NDArray[np.int8], split: WindowSplit) -> None:
    """Refuses a part whose days all went one way. Raises DataError."""
    parts: Sequence[tuple[str, Rows]] = (("training", split.train), ("validation", split.val), ("test", split.test))
    for name, ends in parts:
        n_up = int((target[ends] == 1).sum())
        if n_up in (0, len(ends)):
            raise DataError(
                f"the {name} part has one class only: {n_up} of {len(ends)} days are up. Give it more days, or "
                "another target."
            )
