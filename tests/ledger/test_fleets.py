"""The whole ledger on many small fleets whose truth is known: how often it finds something, and how often wrongly."""

import numpy as np
import numpy.typing as npt
import pytest

from fleetcast.ledger.multiplicity import step_down_p
from simulated_trials import simulated_ledger


def test_of_fleets_without_an_edge_few_have_anything_promotable() -> None:
    """Guards against gross faults alone; how many of hundreds have something is the benchmark `noise`'s to say."""
    n_wrong = sum(bool(simulated_ledger(seed).promotable) for seed in range(40))
    assert n_wrong <= 4


def test_a_planted_edge_is_found_and_the_family_beside_it_is_not_promoted() -> None:
    found = [{family.family_id for family in simulated_ledger(s, edge=0.8, planted=[1]).promotable} for s in range(12)]
    assert sum("a" in promoted for promoted in found) >= 10
    assert sum("b" in promoted for promoted in found) <= 1


@pytest.mark.parametrize("shared", [0.0, 0.9], ids=["independent", "correlated"])
def test_step_down_errs_in_a_twentieth_of_fleets_whatever_the_tests_share(shared: float) -> None:
    """Half of the tests have a true effect, which must not cost the others their level."""
    n_fleets, n_wrong = 600, 0
    for seed in range(n_fleets):
        rng = np.random.default_rng(seed)
        t, t_star = _draw_shared(rng, shared)[:, 0], _draw_shared(rng, shared, n_draws=199)
        t[:10] += 6
        n_wrong += bool(np.any(step_down_p(t, t_star.astype(np.float32))[10:] <= 0.05))
    assert 0.03 <= n_wrong / n_fleets <= 0.07


def _draw_shared(rng: np.random.Generator, shared: float, n_draws: int = 1) -> npt.NDArray[np.float64]:
    """(20, n_draws) standard normals with this correlation."""
    common = rng.standard_normal(n_draws)
    return np.asarray(np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.standard_normal((20, n_draws)))
