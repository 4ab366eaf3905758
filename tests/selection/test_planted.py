"""Known informative columns among noise are found; the long form is part of ``make bench NAME=select``."""

import dataclasses

import numpy as np
import pytest

from fleetcast.selection.ranking import aggregate, top_columns
from planted import PlantedProblem, plant

N_SELECTED = 25


@pytest.fixture(scope="module")
def problem() -> PlantedProblem:
    """10 informative columns of 300."""
    return plant(4000, 300, n_planted=10, n_variants=3, explained=0.4)


def select(problem: PlantedProblem) -> list[str]:
    kept = problem.screen()
    tops = [top_columns(one.gains, kept) for one in problem.fit(kept)]
    return [column.name for column in aggregate(tops, n_columns=N_SELECTED)]


def test_planted_columns_are_selected(problem):
    assert problem.recall(select(problem)) >= 0.95


def test_with_shuffled_classes_they_are_not(problem):
    random = np.random.default_rng(9)
    shuffled = dataclasses.replace(problem, classes=[random.permutation(y) for y in problem.classes])
    assert problem.recall(select(shuffled)) < 0.5
