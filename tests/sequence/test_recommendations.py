from dataclasses import replace

import pytest

from fleetcast.sequence.direction_scores import Estimate
from fleetcast.sequence.recommendations import DirectionVerdict

ABOVE = Estimate(value=0.1, low=0.05, high=0.15)
AROUND = Estimate(value=0.01, low=-0.02, high=0.04)
GOOD = DirectionVerdict(
    roc_auc=Estimate(value=0.6, low=0.55, high=0.65),
    over_baselines={"always up": ABOVE, "logistic regression": ABOVE},
    share_said_up=0.5,
    calibration_error=0.01,
    error_when_calibrated=0.05,
    best_epoch=5,
    total_epochs=20,
    n_days=400,
)


def advice(verdict: DirectionVerdict) -> str:
    return " ".join(one.advice for one in verdict.recommendations())


def test_good_needs_every_interval_above_nothing() -> None:
    assert advice(GOOD).startswith("Good on this test part")
    assert len(GOOD.recommendations()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"over_baselines": {"always up": ABOVE, "logistic regression": AROUND}},
        {"roc_auc": Estimate(value=0.52, low=0.49, high=0.55)},
        {"over_baselines": {"always up": Estimate(value=None, low=None, high=None)}},
    ],
)
def test_nothing_is_called_good_whose_interval_holds_a_baseline(changes: dict) -> None:
    assert "Good" not in advice(replace(GOOD, **changes))


def test_the_baselines_that_are_not_beaten_are_named() -> None:
    found = advice(replace(GOOD, over_baselines={"always up": AROUND, "majority class": AROUND}))
    assert "not shown to be more accurate than always up and majority class" in found


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"share_said_up": 0.99}, "It says up on 99% of the days"),
        ({"share_said_up": 0.02}, "It says down on 98% of the days"),
        ({"calibration_error": 0.2}, "they miss by 0.20 on average, exact ones by less than 0.05"),
        ({"best_epoch": 20}, "Train it for more epochs"),
        ({"best_epoch": 1}, "It only unlearned after its first epoch"),
        ({"n_days": 94}, "94 days tell little apart"),
    ],
)
def test_each_rule_says_what_to_do(changes: dict, text: str) -> None:
    assert text in advice(replace(GOOD, **changes))
