"""What all finished trials showed, studentised, on the same draws of time."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.evaluation.judging import Distribution
from fleetcast.ledger.effects import STATISTICS, TrialEffects
from fleetcast.ledger.overfitting import N_HALVINGS

MIN_SHARE_OF_DRAWS = 0.95  # own choice: with fewer draws that have a value, a statistic is not tested
MIN_STANDARD_ERROR = 1e-6  # own choice: rounding alone makes as much in a statistic that no draw changes


@dataclass(frozen=True)
class Evidence:
    """The statistics of finished trials, in the order of `STATISTICS`.

    Attributes:
        estimate: (n_trials, 2) above nothing; NaN where the rows give none.
        standard_error: (n_trials, 2) over the draws; NaN where the statistic cannot be tested.
        t_star: (n_trials, 2, n_draws) float32, (draw - estimate) / standard error; NaN where a draw has no value, and
            wherever the statistic cannot be tested.
        half_scores: (n_trials, 2, n_halvings) float32, the statistic above nothing on each half of time.
    """

    estimate: npt.NDArray[np.float64]
    standard_error: npt.NDArray[np.float64]
    t_star: npt.NDArray[np.float32]
    half_scores: npt.NDArray[np.float32]

    @property
    def t(self) -> npt.NDArray[np.float64]:
        """(n_trials, 2) estimate / standard error; NaN where it cannot be tested."""
        return self.estimate / self.standard_error


def gather_evidence(trials: Iterable[TrialEffects], *, n_trials: int, n_draws: int) -> Evidence:
    """Studentises the trials one by one, so that memory is 8 bytes a trial and draw and little more.

    Args:
        trials: of each trial its effects.
        n_trials: how many will come.
        n_draws: of the bootstrap.

    Raises:
        ValueError: another number of trials came.
    """
    shape = (n_trials, len(STATISTICS))
    evidence = Evidence(
        estimate=np.full(shape, np.nan),
        standard_error=np.full(shape, np.nan),
        t_star=np.full((*shape, n_draws), np.nan, np.float32),
        half_scores=np.full((*shape, N_HALVINGS), np.nan, np.float32),
    )
    for place, trial in zip(range(n_trials), trials, strict=True):
        for k, effect in enumerate(trial.over_draws):
            evidence.estimate[place, k] = effect.estimate
            if _can_be_tested(effect):
                error = effect.standard_error
                evidence.standard_error[place, k] = error
                evidence.t_star[place, k] = (effect.draws - effect.estimate) / error
        for k, effect in enumerate(trial.over_halves):
            evidence.half_scores[place, k] = effect.draws
    return evidence


def _can_be_tested(effect: Distribution) -> bool:
    known = np.isfinite(effect.draws)
    if not np.isfinite(effect.estimate) or known.sum() < max(2, MIN_SHARE_OF_DRAWS * len(known)):
        return False
    return effect.standard_error > MIN_STANDARD_ERROR
