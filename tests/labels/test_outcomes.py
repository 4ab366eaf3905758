"""Outcomes by hand: which barrier was reached first, and when that was certain."""

import numpy as np
import pytest

from fleetcast.labels.outcomes import BREAKOUT, NEITHER, REVERSAL, UNKNOWN, find_outcomes
from fleetcast.labels.swings import SwingPath, Swings

# The event bar has log close 0 and log high 0.02; threshold 1, volatility 0.01 and horizon 4 make b = 0.02, so the
# breakout lies at 0.04 and the reversal at -0.04.
EVENT = (0.02, -0.01, 0.0)


def outcome_of(*after: tuple[float, float, float], horizon: int = 4) -> tuple[int, int]:
    """Class and known bar of an event at bar 0 that the given (log high, log low, log close) follow."""
    high, low, close = (np.array(column) for column in zip(EVENT, *after, strict=True))
    path = SwingPath(high, low, close, high_price=np.exp(high), close_price=np.exp(close))
    swings = Swings(t=np.array([0]), deviation=np.array([1.0]), volatility=np.array([0.01]))
    found = find_outcomes(path, swings, thresholds=[1.0], horizon_bars=[horizon])
    return int(found.outcome[0, 0, 0]), int(found.known[0, 0, 0])


QUIET = (0.01, -0.01, 0.0)
UP = (0.05, -0.01, 0.04)
DOWN = (0.01, -0.05, -0.03)


@pytest.mark.parametrize(
    ("after", "outcome", "known"),
    [
        ([QUIET, UP, DOWN, QUIET], BREAKOUT, 2),
        ([QUIET, DOWN, UP, QUIET], REVERSAL, 2),
        ([QUIET, QUIET, QUIET, UP], BREAKOUT, 4),
        ([QUIET, QUIET, QUIET, QUIET], NEITHER, 4),
        ([QUIET, QUIET, QUIET, QUIET, UP], NEITHER, 4),
        ([(0.039, -0.039, 0.0)] * 4, NEITHER, 4),
        ([QUIET, (0.05, -0.05, 0.03), QUIET, QUIET], BREAKOUT, 2),
        ([QUIET, (0.05, -0.05, 0.02), QUIET, QUIET], REVERSAL, 2),
        ([QUIET, (0.05, -0.05, -0.01), QUIET, QUIET], REVERSAL, 2),
    ],
    ids=[
        "up first",
        "down first",
        "in the last bar",
        "quiet",
        "one bar too late",
        "just short",
        "both and closes beyond",
        "both and closes at the high",
        "both and closes below",
    ],
)
def test_first_barrier_reached_decides(after, outcome, known):
    assert outcome_of(*after) == (outcome, known)


def test_barrier_reached_exactly_counts():
    path = (0.02 + 0.02, -0.01, 0.0)
    assert outcome_of(path, QUIET, QUIET, QUIET) == (BREAKOUT, 1)


def test_label_does_not_exist_while_its_horizon_is_open_even_if_decided():
    assert outcome_of(UP, QUIET, QUIET) == (UNKNOWN, UNKNOWN)
    assert outcome_of(UP, QUIET, QUIET, horizon=3) == (BREAKOUT, 1)


def test_no_events_give_empty_arrays():
    empty = np.empty(0)
    path = SwingPath(np.zeros(5), np.zeros(5), np.zeros(5), high_price=np.ones(5), close_price=np.ones(5))
    swings = Swings(t=np.empty(0, np.int64), deviation=empty, volatility=empty)
    assert find_outcomes(path, swings, thresholds=[1.0, 2.0], horizon_bars=[3]).outcome.shape == (0, 2, 1)
