"""What stands for an unknown value in the matrix that models are trained on."""

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]


def fill_unknown(matrix: Matrix, *, screen_end: int) -> Matrix:
    """Puts each column's median where a value is unknown, in place, and returns the medians, ``(n_columns,)``.

    Training reads an unknown value as 0 (`fleetcast.training.parameters`), which is an extreme of some columns: a log
    variance is unknown on the quietest bars, and 0 is that of the wildest.

    Args:
        matrix: ``(n_rows, n_columns)``, NaN where unknown.
        screen_end: the medians are over the rows before it.
    """
    medians = np.empty(matrix.shape[1], dtype=np.float32)
    for i in range(matrix.shape[1]):
        column = matrix[:, i]
        seen = column[:screen_end]
        medians[i] = np.median(seen[~np.isnan(seen)])
        column[np.isnan(column)] = medians[i]
    return medians
