"""Who may be promoted, and in words why somebody may not."""

from collections.abc import Mapping

from fleetcast.ledger.effects import NOTHING, STATISTICS, Statistic
from fleetcast.ledger.trials import FamilyTest, Tested, TrialRow

LEVEL = 0.05  # of the adjusted p values: the share of fleets without an effect in which anything passes


def reason_not_to_promote(
    best: TrialRow | None, tests: Mapping[Statistic, FamilyTest], holdout: Mapping[Statistic, float]
) -> str | None:
    """None where the family's best may be promoted: by one statistic its family passes, and it shows it everywhere.

    Args:
        best: the trial that was chosen for the family, or None.
        tests: of all of the family's trials together.
        holdout: its statistics on the holdout, above nothing.
    """
    if best is None:
        return "no trial was chosen"
    if best.trial.state != "finished":
        return f"the chosen trial is {best.trial.state}: {best.trial.reason or 'no reason is stored'}"
    reasons = [_reason_against(name, tests[name], best.statistics[name], holdout.get(name)) for name in STATISTICS]
    return None if None in reasons else "; ".join(reason for reason in reasons if reason)


def _reason_against(name: Statistic, family: FamilyTest, best: Tested, on_holdout: float | None) -> str | None:
    if family.p is None or best.estimate is None:
        return f"{name} cannot be tested: too few draws of time have a value, or all have the same"
    if family.p > LEVEL:
        return f"{name}'s p {family.p:.3f} is above {LEVEL}"
    if best.estimate <= 0:
        value = f"the best's own {NOTHING[name] + best.estimate:.3f} out of fold is not above {NOTHING[name]:g}"
        return f"{name}'s p {family.p:.3f} would do, but {value}"
    if on_holdout is None:
        return f"{name}'s p {family.p:.3f} would do, but nobody has looked at the holdout"
    if on_holdout <= 0:
        value = f"{NOTHING[name] + on_holdout:.3f} on the holdout is not above {NOTHING[name]:g}"
        return f"{name}'s p {family.p:.3f} would do, but {value}"
    return None
