"""The report of a direction model: its scores, its drawings and what follows from them."""

from dataclasses import dataclass
from typing import ClassVar

from fleetcast.sequence.direction_plots import result_plots, training_plots
from fleetcast.sequence.direction_scores import (
    BLOCK_ROWS,
    N_DRAWS,
    Labels,
    Probabilities,
    calibration_error,
    error_when_calibrated,
)
from fleetcast.sequence.recommendations import DirectionVerdict
from fleetcast.sequence.report_page import JudgedModel, render_page


@dataclass(frozen=True, kw_only=True)
class DirectionResult(JudgedModel):
    """What the report shows.

    Attributes:
        y: ``(n_days,)`` 1 where the day after was up.
        probability: ``(n_days,)`` the model's, of up.
    """

    network = "ConvLSTM"
    labels: ClassVar = {
        "accuracy": "Accuracy",
        "macro_f1": "Macro F1",
        "mcc": "Matthews' correlation",
        "f1": "F1 of up",
        "precision": "Precision of up",
        "recall": "Recall of up",
        "up_accuracy": "Accuracy on up days",
        "down_accuracy": "Accuracy on down days",
        "roc_auc": "ROC AUC",
        "average_precision": "PR AUC",
        "brier": "Brier score",
    }
    tiles = compared = ("accuracy", "macro_f1", "mcc", "roc_auc")
    layers: ClassVar = {"filters": "conv_lstm_filters", "dense units": "dense_units"}

    y: Labels
    probability: Probabilities

    def verdict(self) -> DirectionVerdict:
        """What the rules look at."""
        return DirectionVerdict(
            roc_auc=self.model.estimates["roc_auc"],
            over_baselines={name: found["accuracy"] for name, found in self.over_baselines().items()},
            share_said_up=float((self.probability > 0.5).mean()),
            calibration_error=calibration_error(self.y, self.probability),
            error_when_calibrated=error_when_calibrated(self.probability, seed=self.facts["seed"]),
            best_epoch=self.facts["best_epoch"],
            total_epochs=self.facts["total_epochs"],
            n_days=len(self.y),
        )


def render_direction_report(result: DirectionResult, *, run_key: str, code_digest: str) -> str:
    """The page; every text of a manifest is escaped."""
    what = "the equal-weighted panel" if result.facts["target"] == "panel" else "the index"
    return render_page(
        result,
        run_key=run_key,
        code_digest=code_digest,
        heading=f"ConvLSTM on {len(result.facts['symbols'])} stocks: does {what} rise the next day?",
        recommendations=result.verdict().recommendations(),
        score_note=_score_note(result),
        confusion=_confusion(result),
        coverage_rows=(),
        plots=result_plots(result.y, result.probability, dates=result.dates),
        training_plots=training_plots(result.history),
    )


def _score_note(result: DirectionResult) -> str:
    always = result.baselines["always up"].estimates["f1"].value
    return (
        f"{len(result.y)} days that no fit and no choice has seen; 95 % intervals are of {N_DRAWS:,} draws of blocks "
        f"of {BLOCK_ROWS} days, widened where blocks are few and left out below three. F1 of up is {always:.2f} for "
        "always saying up, so it proves nothing: macro F1 averages both classes, and Matthews' correlation is 0 for "
        "any constant answer. The logistic regression sees the same windows."
    )


def _confusion(result: DirectionResult) -> tuple[int, int, int, int]:
    """Hits, missed ups, false ups, true downs."""
    up, said = result.y == 1, result.probability > 0.5
    counts = [int(rows.sum()) for rows in (up & said, up & ~said, ~up & said, ~up & ~said)]
    return counts[0], counts[1], counts[2], counts[3]
