"""The report of a direction model: one HTML page that needs nothing but itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template

from fleetcast.evaluation.report import format_number
from fleetcast.sequence.direction_plots import result_plots, training_plots
from fleetcast.sequence.direction_scores import (
    BLOCK_ROWS,
    N_DRAWS,
    Estimate,
    Judged,
    Labels,
    Probabilities,
    calibration_error,
    differences,
)
from fleetcast.sequence.recommendations import Recommendation, Verdict, recommend

SCORES = {
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
COMPARED = ("accuracy", "macro_f1", "mcc", "roc_auc")
SURVIVORSHIP = (
    "Survivorship: the stocks are those of a list made after the last day, so every one of them lived and grew large. "
    "A portfolio of the past could not have held just these, and the share of up days is above that of the market then."
)


@dataclass(frozen=True)
class DirectionResult:
    """What the report shows.

    Attributes:
        y: ``(n_days,)`` 1 where the day after was up.
        probability: ``(n_days,)`` the model's, of up.
        dates: ``(n_days,)`` of the windows' last days, milliseconds since the epoch.
        model: its scores.
        baselines: theirs, by name.
        facts: of the model's manifest.
        history: its epochs.
        n_looks: how often a model of any run has met this test part.
    """

    y: Labels
    probability: Probabilities
    dates: npt.NDArray[np.int64]
    model: Judged
    baselines: Mapping[str, Judged]
    facts: Mapping[str, Any]
    history: list[dict[str, float]]
    n_looks: int

    def over_baselines(self, names: tuple[str, ...] = COMPARED) -> dict[str, dict[str, Estimate]]:
        """The model's scores minus each baseline's."""
        return {name: differences(self.model, other, names=names) for name, other in self.baselines.items()}

    def verdict(self) -> Verdict:
        """What the rules look at."""
        over = self.over_baselines(("accuracy",))
        return Verdict(
            roc_auc=self.model.estimates["roc_auc"],
            over_baselines={name: found["accuracy"] for name, found in over.items()},
            share_said_up=float((self.probability > 0.5).mean()),
            calibration_error=calibration_error(self.y, self.probability),
            best_epoch=self.facts["best_epoch"],
            total_epochs=self.facts["total_epochs"],
            n_days=len(self.y),
        )

    def recommendations(self) -> list[Recommendation]:
        """What follows."""
        return recommend(self.verdict())


def render_direction_report(result: DirectionResult, *, run_key: str, code_digest: str) -> str:
    """The page; every text of a manifest is escaped."""
    facts, model = result.facts, result.model.estimates
    judged = [model, *(other.estimates for other in result.baselines.values())]
    over = result.over_baselines()
    what = "the equal-weighted panel" if facts["target"] == "panel" else "the index"
    return report_template().render(
        title=f"ConvLSTM report {run_key}",
        heading=f"ConvLSTM on {len(facts['symbols'])} stocks: does {what} rise the next day?",
        description=_description(result, run_key),
        tiles=[(SCORES[name], model[name], None) for name in ("accuracy", "macro_f1", "mcc", "roc_auc")],
        recommendations=result.recommendations(),
        score_note=_score_note(result),
        forecasts=["ConvLSTM", *result.baselines],
        score_rows=[(label, [one[name] for one in judged]) for name, label in SCORES.items()],
        difference_labels=[SCORES[name] for name in COMPARED],
        difference_rows=[(name, [found[score] for score in COMPARED]) for name, found in over.items()],
        confusion=_confusion(result),
        coverage_rows=(),
        plots=result_plots(result.y, result.probability, dates=result.dates),
        training_plots=training_plots(result.history),
        survivorship=SURVIVORSHIP,
        stocks=", ".join(facts["symbols"]),
        findings=facts["findings"],
        code=code_digest[:20],
    )


def report_template() -> Template:
    """The page of every sequence model."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("fleetcast.sequence", ""), PackageLoader("fleetcast.evaluation", "")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = format_number
    return environment.get_template("report.html")


def _description(result: DirectionResult, run_key: str) -> list[tuple[str, Any]]:
    facts = result.facts
    params = facts["config"]["model_params"]
    n = facts["n_windows"]
    return [
        ("run key", run_key),
        ("experiment", facts["experiment_name"]),
        ("data", facts["source"].rsplit("/", maxsplit=1)[-1]),
        ("windows: training, validation, test", f"{n['train']:,}, {n['val']:,}, {n['test']:,}"),
        ("purged between parts", facts["purged_size"]),
        ("input", " × ".join(map(str, facts["input_shape"]))),
        ("features", ", ".join(facts["features"])),
        ("filters", ", ".join(map(str, params["conv_lstm_filters"]))),
        ("dense units", ", ".join(map(str, params["dense_units"]))),
        ("parameters", f"{facts['model_parameters']:,}"),
        ("best epoch", f"{facts['best_epoch']} of {facts['total_epochs']}"),
        ("training time", f"{facts['training_time_seconds']:,.0f} s on {facts['device']}"),
        ("seed", facts["seed"]),
        ("looks at this test part so far", result.n_looks),
    ]


def _score_note(result: DirectionResult) -> str:
    always = result.baselines["always up"].estimates["f1"].value
    return (
        f"{len(result.y)} days that no fit and no choice has seen; intervals hold 95 % of {N_DRAWS:,} draws of blocks "
        f"of {BLOCK_ROWS} days. F1 of up is {always:.2f} for always saying up, so it proves nothing: macro F1 averages "
        "both classes, and Matthews' correlation is 0 for any constant answer. The logistic regression sees the same "
        "windows."
    )


def _confusion(result: DirectionResult) -> tuple[int, int, int, int]:
    """Hits, missed ups, false ups, true downs."""
    up, said = result.y == 1, result.probability > 0.5
    counts = [int(rows.sum()) for rows in (up & said, up & ~said, ~up & said, ~up & ~said)]
    return counts[0], counts[1], counts[2], counts[3]
