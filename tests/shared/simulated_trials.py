"""Small fleets without a market: overlapping labels, smooth signals, and an edge only where one is planted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from fleetcast.ledger.effects import STATISTICS, TrialEffects, VariantJudge
from fleetcast.ledger.evidence import Evidence, gather_evidence
from fleetcast.ledger.table import Chosen, Setting, Trials, make_ledger
from fleetcast.ledger.trials import Ledger, Trial
from fleetcast.metrics.bootstrap import draw_time

HORIZONS = (5, 10, 20)
BLOCK_ROWS = 2 * max(HORIZONS)
EVENTS_A_BLOCK = 4.5
N_VARIANTS = 6  # of two families


@dataclass(frozen=True)
class SimulatedFleet:
    """Variants that look at one series of returns.

    ``edge`` is the weight of what really follows in the planted variants' signal; 0 plants nothing.
    """

    seed: int
    n_variants: int = 8
    n_rows: int = 1600
    n_events: int = 180
    n_draws: int = 200
    edge: float = 0.0
    planted: tuple[int, ...] = ()

    def evidence(self) -> Evidence:
        return gather_evidence(self.trials(), n_trials=self.n_variants, n_draws=self.n_draws)

    def trials(self) -> Iterator[TrialEffects]:
        rng = np.random.default_rng(self.seed)
        draws = draw_time(0, self.n_rows, block_rows=BLOCK_ROWS, n_draws=self.n_draws, seed=self.seed)
        returns = rng.standard_normal(self.n_rows)
        for variant in range(self.n_variants):
            horizon = HORIZONS[variant % len(HORIZONS)]
            row = np.sort(rng.choice(self.n_rows - horizon - 1, self.n_events, replace=False))
            ahead = (np.append(0, np.cumsum(returns))[row + horizon + 1] - np.cumsum(returns)[row]) / np.sqrt(horizon)
            y = np.where(np.abs(ahead) < 0.5, 2, np.where(ahead > 0, 0, 1)).astype(np.int8)
            signal = self._smooth(rng)[row] + (self.edge if variant in self.planted else 0.0) * ahead
            judge = VariantJudge(
                y, row=row, end_row=row + horizon, draws=draws, fold=np.zeros(len(row), int), span=(0, self.n_rows)
            )
            yield judge.effects_of(_probabilities(signal), _probabilities(self._smooth(rng)[row]))

    def _smooth(self, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Noise that stays for about ten bars, as indicators do."""
        noise = np.convolve(rng.standard_normal(self.n_rows + 9), np.ones(10), mode="valid")
        return np.asarray(noise / np.sqrt(10))


def simulated_ledger(seed: int, *, n_blocks: int = 40, edge: float = 0.0, planted: Sequence[int] = ()) -> Ledger:
    """Two families of three variants; the best has the largest T, its holdout is another stretch of the same market."""
    kind = {"n_variants": N_VARIANTS, "edge": edge, "planted": tuple(planted)}
    fleet, later = (
        SimulatedFleet(at, n_rows=n * BLOCK_ROWS, n_events=round(n * EVENTS_A_BLOCK), **kind)
        for at, n in ((seed, n_blocks), (10_000 + seed, n_blocks // 2))
    )
    evidence, holdout = fleet.evidence(), later.evidence()
    trials = [Trial(f"v{k}", "ab"[k // 3], 1, 0, "finished") for k in range(N_VARIANTS)]
    chosen, holdouts = {}, {}
    for family_id, places in (("a", range(3)), ("b", range(3, 6))):
        best = max(places, key=lambda place: evidence.t[place].max())
        chosen[family_id] = Chosen(trials[best], dict(zip(STATISTICS, holdout.estimate[best], strict=True)))
        holdouts[family_id] = _only(holdout, best)
    setting = Setting(
        "0a1b",
        block_rows=BLOCK_ROWS,
        n_rows={1: fleet.n_rows},
        earlier_rows=0,
        holdout_rows=later.n_rows,
        holdout_looks=1,
        all_holdout_looks=1,
    )
    return make_ledger(Trials(trials, evidence, holdouts=holdouts), chosen, setting=setting)


def _only(evidence: Evidence, place: int) -> Evidence:
    return Evidence(**{field.name: getattr(evidence, field.name)[[place]] for field in fields(Evidence)})


def _probabilities(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    odds = np.exp(np.stack([signal, -signal, 0.3 * np.cos(5 * signal)], axis=1))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
