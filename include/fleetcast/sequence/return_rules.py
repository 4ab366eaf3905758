"""What follows from a return model's scores, by stated rules; "good" needs intervals that exclude every baseline."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleetcast.sequence.direction_scores import Estimate
from fleetcast.sequence.recommendations import Recommendation, join_names

LARGE_COVERAGE_ERROR = 0.05


@dataclass(frozen=True)
class ReturnVerdict:
    """All that the rules look at.

    Attributes:
        pearson: the correlation with what came.
        over_baselines: the model's share of squared returns explained minus each baseline's, by name.
        coverage: of the widened 90 % intervals on the test part.
        best_epoch: from 1.
        total_epochs: trained.
    """

    pearson: Estimate
    over_baselines: Mapping[str, Estimate]
    coverage: float
    best_epoch: int
    total_epochs: int

    @property
    def not_beaten(self) -> list[str]:
        """Baselines whose errors the model's do not stay below with the whole interval."""
        return [name for name, over in self.over_baselines.items() if over.excludes(0.0) < 1]

    @property
    def is_good(self) -> bool:
        """Nearer to what came than every baseline, and correlated with it, both with the whole 95 % interval."""
        return not self.not_beaten and self.pearson.excludes(0.0) == 1

    def recommendations(self) -> list[Recommendation]:
        """The rules that apply, the gravest first."""
        rules = (
            (
                bool(self.not_beaten),
                "the 95 % interval of the squared returns it explains minus a baseline's holds zero or lies below it",
                f"Do not use it for decisions: it is not shown to be nearer than {join_names(self.not_beaten)}.",
            ),
            (
                self.pearson.excludes(0.0) < 1,
                "the 95 % interval of its correlation with what came holds zero or lies below it",
                "It is not shown to tell larger returns from smaller ones: look for inputs that know more before "
                "tuning the network.",
            ),
            (
                abs(self.coverage - 0.9) > LARGE_COVERAGE_ERROR,
                f"the 90 % intervals miss their coverage by more than {LARGE_COVERAGE_ERROR}",
                f"Do not size anything by its uncertainty: its 90 % intervals held {self.coverage:.0%} of the returns.",
            ),
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
                self.is_good,
                "the intervals of its correlation and of what it explains beyond every baseline lie above nothing",
                "Good on this test part: let it run as challenger on days to come before anything depends on it.",
            ),
        )
        return [Recommendation(rule, advice) for applies, rule, advice in rules if applies]
