"""What follows from a model's scores, by stated rules; "good" needs intervals that exclude every baseline."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleetcast.sequence.direction_scores import Estimate

ONE_SIDED_SHARE = 0.95
LARGE_COVERAGE_ERROR = 0.05
FEW_DAYS = 250
GOOD = "Good on this test part: let it run as challenger on days to come before anything depends on it."

Rule = tuple[bool, str, str]  # whether it applies, what it says, and what to do then


@dataclass(frozen=True)
class Recommendation:
    """A rule that applies, and what to do."""

    rule: str
    advice: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the rules of every model look at.

    Attributes:
        over_baselines: the model's score minus each baseline's, by name.
        best_epoch: from 1.
        total_epochs: trained.
        n_days: of the test part.
    """

    over_baselines: Mapping[str, Estimate]
    best_epoch: int
    total_epochs: int
    n_days: int

    @property
    def not_beaten(self) -> list[str]:
        """Baselines that the model does not exceed with its whole interval."""
        return [name for name, over in self.over_baselines.items() if over.excludes(0.0) < 1]

    def _rules_of_every_model(self) -> tuple[Rule, ...]:
        return (
            (
                self.best_epoch == self.total_epochs,
                "the last epoch was the best",
                "Train it for more epochs: validation loss was still falling.",
            ),
            (
                self.best_epoch == 1 and self.total_epochs > 1,
                "the first epoch was the best",
                "It only unlearned after its first epoch: lower the learning rate or take a smaller network.",
            ),
            (
                self.n_days < FEW_DAYS,
                f"the test part holds fewer than {FEW_DAYS} days",
                f"{self.n_days} days tell little apart: take a longer history before you conclude anything.",
            ),
        )


@dataclass(frozen=True, kw_only=True)
class DirectionVerdict(Verdict):
    """All that the rules look at; what is over baselines is accuracy.

    Attributes:
        roc_auc: of the model on the test part.
        share_said_up: of the test days.
        calibration_error: mean distance of said and seen shares.
        error_when_calibrated: what exact probabilities stay below in 95 of 100 cases.
    """

    roc_auc: Estimate
    share_said_up: float
    calibration_error: float
    error_when_calibrated: float

    @property
    def is_good(self) -> bool:
        """Better than every baseline and than a random order, both with their whole 95 % interval."""
        return not self.not_beaten and self.roc_auc.excludes(0.5) == 1

    def recommendations(self) -> list[Recommendation]:
        """The rules that apply, the gravest first."""
        share = max(self.share_said_up, 1 - self.share_said_up)
        return _applying(
            (
                bool(self.not_beaten),
                "the 95 % interval of its accuracy minus a baseline's holds zero, lies below it or is not there",
                f"Do not use it for decisions: it is not shown to be more accurate than {_join(self.not_beaten)}.",
            ),
            (
                self.roc_auc.excludes(0.5) < 1,
                "the 95 % interval of ROC AUC holds one half, lies below it or is not there",
                "Its probabilities are not shown to order days better than chance: look for inputs that know more "
                "before tuning the network.",
            ),
            (
                share > ONE_SIDED_SHARE,
                f"more than {ONE_SIDED_SHARE:.0%} of the days get one answer",
                f"It says {'up' if self.share_said_up > 0.5 else 'down'} on {share:.0%} of the days, as a constant "
                "would: judge it by macro F1 and Matthews' correlation, not by accuracy or F1.",
            ),
            (
                self.calibration_error > self.error_when_calibrated,
                "the calibration error exceeds what exact probabilities stay below in 95 of 100 cases",
                f"Do not size anything by its probabilities: they miss by {self.calibration_error:.2f} on average, "
                f"exact ones by less than {self.error_when_calibrated:.2f}.",
            ),
            *self._rules_of_every_model(),
            (
                self.is_good,
                "the intervals of ROC AUC and of its accuracy minus every baseline's lie above nothing",
                GOOD,
            ),
        )


@dataclass(frozen=True, kw_only=True)
class ReturnVerdict(Verdict):
    """All that the rules look at; what is over baselines is the share of squared returns explained.

    Attributes:
        pearson: the correlation with what came.
        coverage: of the widened 90 % intervals on the test part.
    """

    pearson: Estimate
    coverage: float

    @property
    def is_good(self) -> bool:
        """Nearer to what came than every baseline, and correlated with it, both with the whole 95 % interval."""
        return not self.not_beaten and self.pearson.excludes(0.0) == 1

    def recommendations(self) -> list[Recommendation]:
        """The rules that apply, the gravest first."""
        return _applying(
            (
                bool(self.not_beaten),
                "the 95 % interval of the squared returns it explains minus a baseline's holds zero, lies below it or "
                "is not there",
                f"Do not use it for decisions: it is not shown to be nearer than {_join(self.not_beaten)}.",
            ),
            (
                self.pearson.excludes(0.0) < 1,
                "the 95 % interval of its correlation with what came holds zero, lies below it or is not there",
                "It is not shown to tell larger returns from smaller ones: look for inputs that know more before "
                "tuning the network.",
            ),
            (
                abs(self.coverage - 0.9) > LARGE_COVERAGE_ERROR,
                f"the 90 % intervals miss their coverage by more than {LARGE_COVERAGE_ERROR}",
                f"Do not size anything by its uncertainty: its 90 % intervals held {self.coverage:.0%} of the returns.",
            ),
            *self._rules_of_every_model(),
            (
                self.is_good,
                "the intervals of its correlation and of what it explains beyond every baseline lie above nothing",
                GOOD,
            ),
        )


def _applying(*rules: Rule) -> list[Recommendation]:
    return [Recommendation(rule, advice) for applies, rule, advice in rules if applies]


def _join(names: list[str]) -> str:
    """Such as "always up, majority class and previous day"."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
