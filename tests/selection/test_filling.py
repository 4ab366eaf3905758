import numpy as np

from fleetcast.selection.filling import fill_unknown

NAN = np.nan


def test_unknown_values_are_the_columns_median_over_the_rows_before_the_screens_end():
    matrix = np.array([[NAN, 1.0], [-4.0, 2.0], [-2.0, 3.0], [NAN, NAN], [900.0, 7.0]], dtype=np.float32)
    medians = fill_unknown(matrix, screen_end=3)
    assert medians.tolist() == [-3.0, 2.0]
    assert matrix.tolist() == [[-3.0, 1.0], [-4.0, 2.0], [-2.0, 3.0], [-3.0, 2.0], [900.0, 7.0]]
