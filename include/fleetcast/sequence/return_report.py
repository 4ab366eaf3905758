"""The report of a return model: its scores, its drawings and what follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fleetcast.sequence.direction_scores import N_DRAWS
from fleetcast.sequence.recommendations import ReturnVerdict
from fleetcast.sequence.report_page import JudgedModel, render_page
from fleetcast.sequence.return_judging import return_block_rows
from fleetcast.sequence.return_plots import fit_plots, return_plots
from fleetcast.sequence.return_scores import Values


@dataclass(frozen=True, kw_only=True)
class ReturnResult(JudgedModel):
    """What the report shows.

    Attributes:
        true: ``(n,)`` log returns that came.
        said: ``(n,)`` those foretold.
        uncertainty: shares of returns in intervals, ``before`` and ``after`` they were widened.
    """

    network = "CNN+LSTM"
    labels: ClassVar = {
        "directional_accuracy": "Directional accuracy",
        "pearson": "Correlation",
        "spearman": "Rank correlation",
        "r2_over_zero": "Squared returns explained",
        "r2": "R²",
        "mae": "MAE",
        "rmse": "RMSE",
        "share_said_up": "Share said up",
    }
    tiles = ("directional_accuracy", "pearson", "r2_over_zero", "mae")
    compared = ("r2_over_zero", "directional_accuracy", "pearson")
    layers: ClassVar = {"filters": "cnn_filters", "LSTM units": "lstm_units"}

    true: Values
    said: Values
    uncertainty: Mapping[str, Mapping[str, float]]

    @property
    def n_days(self) -> int:
        """Of the test part, however many stocks each has."""
        return len(np.unique(self.dates))

    def verdict(self) -> ReturnVerdict:
        """What the rules look at."""
        return ReturnVerdict(
            pearson=self.model.estimates["pearson"],
            over_baselines={name: found["r2_over_zero"] for name, found in self.over_baselines().items()},
            coverage=self.uncertainty["after"]["coverage_90"],
            best_epoch=self.facts["best_epoch"],
            total_epochs=self.facts["total_epochs"],
            n_days=self.n_days,
        )


def render_return_report(result: ReturnResult, *, run_key: str, code_digest: str) -> str:
    """The page; every text of a manifest is escaped."""
    before, after = result.uncertainty["before"], result.uncertainty["after"]
    horizon = result.facts["config"]["model_params"]["horizon"]
    return render_page(
        result,
        run_key=run_key,
        code_digest=code_digest,
        heading=f"CNN+LSTM on {len(result.facts['symbols'])} stocks: what do they return over {horizon} days?",
        recommendations=result.verdict().recommendations(),
        score_note=_score_note(result),
        confusion=None,
        coverage_rows=[(f"{name.rpartition('_')[2]} %", before[name], after[name]) for name in before],
        plots=return_plots(result.true, result.said, dates=result.dates, uncertainty=result.uncertainty),
        training_plots=fit_plots(result.history),
    )


def _score_note(result: ReturnResult) -> str:
    block_rows = return_block_rows(result.facts["config"]["model_params"]["horizon"])
    return (
        f"{len(result.true):,} windows of {result.n_days} days that no fit and no choice has seen; 95 % intervals are "
        f"of {N_DRAWS:,} draws of blocks of {block_rows} days with all stocks of each, because stocks of one day move "
        "together and returns of neighbouring days overlap; they are widened where blocks are few, and left out below "
        "three. Errors are log returns. Saying no change explains none of the squared returns and says up on no day."
    )
