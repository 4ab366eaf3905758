"""What follows from a direction model's scores, by stated rules; "good" needs intervals that exclude every baseline."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleetcast.sequence.direction_scores import Estimate

ONE_SIDED_SHARE = 0.95
LARGE_CALIBRATION_ERROR = 0.05
FEW_DAYS = 250


@dataclass(frozen=True)
class Recommendation:
    """A rule that applies, and what to do."""

    rule: str
    advice: str


@dataclass(frozen=True)
class Verdict:
    """All that the rules look at.

    Attributes:
        roc_auc: of the model on the test part.
        over_baselines: the model's accuracy minus each baseline's, by name.
        share_said_up: of the test days.
        calibration_error: mean distance of said and seen shares.
        best_epoch: from 1.
        total_epochs: trained.
        n_days: of the test part.
    """

    roc_auc: Estimate
    over_baselines: Mapping[str, Estimate]
    share_said_up: float
    calibration_error: float
    best_epoch: int
    total_epochs: int
    n_days: int

    @property
    def not_beaten(self) -> list[str]:
        """Baselines whose accuracy the model's does not exceed with its whole interval."""
        return [name for name, over in self.over_baselines.items() if over.excludes(0.0) < 1]

    @property
    def is_good(self) -> bool:
        """Better than every baseline and than a random order, both with their whole 95 % interval."""
        return not self.not_beaten and self.roc_auc.excludes(0.5) == 1


def recommend(verdict: Verdict) -> list[Recommendation]:
    """The rules that apply, the gravest first."""
    share = max(verdict.share_said_up, 1 - verdict.share_said_up)
    rules = (
        (
            bool(verdict.not_beaten),
            "the 95 % interval of its accuracy minus a baseline's holds zero or lies below it",
            f"Do not use it for decisions: it is not shown to be more accurate than {join_names(verdict.not_beaten)}.",
        ),
        (
            verdict.roc_auc.excludes(0.5) < 1,
            "the 95 % interval of ROC AUC holds one half or lies below it",
            "Its probabilities are not shown to order days better than chance: look for inputs that know more before "
            "tuning the network.",
        ),
        (
            share > ONE_SIDED_SHARE,
            f"more than {ONE_SIDED_SHARE:.0%} of the days get one answer",
            f"It says {'up' if verdict.share_said_up > 0.5 else 'down'} on {share:.0%} of the days, as a constant "
            "would: judge it by macro F1 and Matthews' correlation, not by accuracy or F1.",
        ),
        (
            verdict.calibration_error > LARGE_CALIBRATION_ERROR,
            f"the calibration error exceeds {LARGE_CALIBRATION_ERROR}",
            f"Do not size anything by its probabilities: they miss by {verdict.calibration_error:.2f} on average.",
        ),
        (
            verdict.best_epoch == verdict.total_epochs,
            "the last epoch was the best",
            "Train it for more epochs: validation loss was still falling.",
        ),
        (
            verdict.best_epoch == 1 and verdict.total_epochs > 1,
            "the first epoch was the best",
            "It only unlearned after its first epoch: lower the learning rate or take a smaller network.",
        ),
        (
            verdict.n_days < FEW_DAYS,
            f"the test part holds fewer than {FEW_DAYS} days",
            f"{verdict.n_days} days tell little apart: take a longer history before you conclude anything.",
        ),
        (
            verdict.is_good,
            "the intervals of ROC AUC and of its accuracy minus every baseline's lie above nothing",
            "Good on this test part: let it run as challenger on days to come before anything depends on it.",
        ),
    )
    return [Recommendation(rule, advice) for applies, rule, advice in rules if applies]


def join_names(names: list[str]) -> str:
    """Such as "always up, majority class and previous day"."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
