"""The report of a return model: the same page as a direction model's, of its own scores and drawings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fleetcast.sequence.direction_report import SURVIVORSHIP, report_template
from fleetcast.sequence.direction_scores import BLOCK_ROWS, N_DRAWS, Estimate, Judged, differences
from fleetcast.sequence.return_plots import fit_plots, return_plots
from fleetcast.sequence.return_rules import ReturnVerdict
from fleetcast.sequence.return_scores import Values

SCORES = {
    "directional_accuracy": "Directional accuracy",
    "pearson": "Correlation",
    "spearman": "Rank correlation",
    "r2_over_zero": "Squared returns explained",
    "r2": "R²",
    "mae": "MAE",
    "rmse": "RMSE",
    "share_said_up": "Share said up",
}
TILES = ("directional_accuracy", "pearson", "r2_over_zero", "mae")
COMPARED = ("r2_over_zero", "directional_accuracy", "pearson")


@dataclass(frozen=True)
class ReturnResult:
    """What the report shows.

    Attributes:
        true: ``(n,)`` log returns that came.
        said: ``(n,)`` those foretold.
        dates: ``(n,)`` of the windows' last days, milliseconds since the epoch.
        model: its scores.
        baselines: theirs, by name.
        uncertainty: shares of returns in intervals, ``before`` and ``after`` they were widened.
        facts: of the model's manifest.
        history: its epochs.
        n_looks: how often a model of any run has met this test part.
    """

    true: Values
    said: Values
    dates: npt.NDArray[np.int64]
    model: Judged
    baselines: Mapping[str, Judged]
    uncertainty: Mapping[str, Mapping[str, float]]
    facts: Mapping[str, Any]
    history: list[dict[str, float]]
    n_looks: int

    def over_baselines(self) -> dict[str, dict[str, Estimate]]:
        """The model's scores minus each baseline's."""
        return {name: differences(self.model, other, names=COMPARED) for name, other in self.baselines.items()}

    def verdict(self) -> ReturnVerdict:
        """What the rules look at."""
        return ReturnVerdict(
            pearson=self.model.estimates["pearson"],
            over_baselines={name: found["r2_over_zero"] for name, found in self.over_baselines().items()},
            coverage=self.uncertainty["after"]["coverage_90"],
            best_epoch=self.facts["best_epoch"],
            total_epochs=self.facts["total_epochs"],
        )


def render_return_report(result: ReturnResult, *, run_key: str, code_digest: str) -> str:
    """The page; every text of a manifest is escaped."""
    facts, model = result.facts, result.model.estimates
    judged = [model, *(other.estimates for other in result.baselines.values())]
    over = result.over_baselines()
    before, after = result.uncertainty["before"], result.uncertainty["after"]
    horizon = facts["config"]["model_params"]["horizon"]
    return report_template().render(
        title=f"CNN+LSTM report {run_key}",
        heading=f"CNN+LSTM on {len(facts['symbols'])} stocks: what do they return over {horizon} days?",
        description=_description(result, run_key),
        tiles=[(SCORES[name], model[name], None) for name in TILES],
        recommendations=result.verdict().recommendations(),
        score_note=_score_note(result),
        forecasts=["CNN+LSTM", *result.baselines],
        score_rows=[(label, [one[name] for one in judged]) for name, label in SCORES.items()],
        difference_labels=[SCORES[name] for name in COMPARED],
        difference_rows=[(name, [found[score] for score in COMPARED]) for name, found in over.items()],
        confusion=None,
        coverage_rows=[(f"{name.rpartition('_')[2]} %", before[name], after[name]) for name in before],
        plots=return_plots(result.true, result.said, dates=result.dates, uncertainty=result.uncertainty),
        training_plots=fit_plots(result.history),
        survivorship=SURVIVORSHIP,
        stocks=", ".join(facts["symbols"]),
        findings=facts["findings"],
        code=code_digest[:20],
    )


def _description(result: ReturnResult, run_key: str) -> list[tuple[str, Any]]:
    facts = result.facts
    params = facts["config"]["model_params"]
    n = facts["n_windows"]
    return [
        ("run key", run_key),
        ("experiment", facts["experiment_name"]),
        ("data", facts["source"].rsplit("/", maxsplit=1)[-1]),
        ("bars up to", facts["cutoff"][:10]),
        ("windows: training, validation, test", f"{n['train']:,}, {n['val']:,}, {n['test']:,}"),
        ("purged between parts", facts["purged_size"]),
        ("input", " × ".join(map(str, facts["input_shape"]))),
        ("features", ", ".join(facts["features"])),
        ("filters", ", ".join(map(str, params["cnn_filters"]))),
        ("LSTM units", ", ".join(map(str, params["lstm_units"]))),
        ("parameters", f"{facts['model_parameters']:,}"),
        ("best epoch", f"{facts['best_epoch']} of {facts['total_epochs']}"),
        ("training time", f"{facts['training_time_seconds']:,.0f} s on {facts['device']}"),
        ("seed", facts["seed"]),
        ("looks at this test part so far", result.n_looks),
    ]


def _score_note(result: ReturnResult) -> str:
    n_days = len(np.unique(result.dates))
    return (
        f"{len(result.true):,} windows of {n_days} days that no fit and no choice has seen; intervals hold 95 % of "
        f"{N_DRAWS:,} draws of blocks of {BLOCK_ROWS} days with all stocks of each, because stocks of one day move "
        "together and returns of neighbouring days overlap. Errors are log returns. Saying no change explains none of "
        "the squared returns and says up on no day."
    )
