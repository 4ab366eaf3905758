"""The parameters that all models have in common."""

import pytest

from fleetcast.training.parameters import least_leaf_rows, model_parameters


@pytest.mark.parametrize(
    ("n_fit", "expected"),
    [(0, 1), (1, 1), (100, 20), (999, 200), (1000, 200), (5000, 200), (20_000, 200), (25_000, 250)],
)
def test_a_leaf_has_a_fifth_of_few_rows_then_two_hundred_then_one_per_cent(n_fit: int, expected: int) -> None:
    assert least_leaf_rows(n_fit) == expected


def test_tuning_lays_its_values_over_those_of_stage_1_and_not_over_the_leafs_rows() -> None:
    parameters = model_parameters(500, tuned={"num_leaves": 80, "min_child_samples": 1}, seed=3)
    assert (parameters["num_leaves"], parameters["max_depth"]) == (80, 5)
    assert (parameters["min_child_samples"], parameters["seed"]) == (100, 3)
