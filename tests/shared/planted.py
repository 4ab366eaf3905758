"""A selection problem whose answer is known: a few columns decide the classes, all others are noise like real ones."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.selection.gains import ColumnGains, bin_columns, column_gains
from fleetcast.selection.screen import Screen, ScreenRules

FIT_SHARE, STOP_SHARE = 0.80, 0.85  # the rows between are purged


@dataclass(frozen=True)
class PlantedProblem:
    """``X`` is ``(n_rows, n_columns)`` float32 in Fortran order; ``classes`` holds ``(n_rows,)`` of each variant."""

    names: list[str]
    X: npt.NDArray[np.float32]
    planted: set[str]
    classes: list[npt.NDArray[np.int8]]

    def screen(self, *, n_threads: int = 1) -> list[str]:
        """The columns that pass the screen."""
        screen = Screen(len(self.X), ScreenRules())
        for first in range(0, len(self.names), 128):
            screen.add_block(self.names[first : first + 128], self.X[:, first : first + 128])
        screen.finish(n_threads=n_threads)
        return screen.kept

    def fit(self, names: list[str], *, seed: int = 0) -> list[ColumnGains]:
        """One selection model a variant, on these columns."""
        place = {name: i for i, name in enumerate(self.names)}
        binned = bin_columns(np.ascontiguousarray(self.X[:, [place[name] for name in names]]))
        rows = np.arange(len(self.X))
        fit, stop = rows[: int(FIT_SHARE * len(rows))], rows[int(STOP_SHARE * len(rows)) :]
        return [column_gains(binned, fit=fit, fit_y=y[fit], stop=stop, stop_y=y[stop], seed=seed) for y in self.classes]

    def recall(self, selected: list[str]) -> float:
        """Share of the planted columns that were selected."""
        return len(self.planted & set(selected)) / len(self.planted)


def plant(
    n_rows: int, n_columns: int, *, n_planted: int, n_variants: int, explained: float = 0.25, seed: int = 0
) -> PlantedProblem:
    """Columns that remember their past as indicators do (lag-one autocorrelation 0 to 0.98), with warm-ups.

    A variant's class follows from the sum of the planted columns, each with a weight of its own, and noise that
    remembers its past too, as overlapping labels do.

    Args:
        n_rows: bars.
        n_columns: in all.
        n_planted: that decide the classes.
        n_variants: which differ in the weights and the noise.
        explained: share of the score's variance that the planted columns give together.
        seed: of everything.
    """
    random = np.random.default_rng(seed)
    X = _remembering(random, n_rows, memory=random.uniform(0.0, 0.98, n_columns))
    places = random.choice(n_columns, n_planted, replace=False)
    classes = []
    for _ in range(n_variants):
        weights = random.choice([-1.0, 1.0], n_planted) * random.uniform(0.7, 1.3, n_planted)
        signal = X[:, places] @ (weights / np.sqrt((weights**2).sum()))
        noise = _remembering(random, n_rows, memory=np.array([0.5]))[:, 0]
        score = np.sqrt(explained) * signal + np.sqrt(1 - explained) * noise
        classes.append(np.digitize(score, np.quantile(score, [0.3, 0.6])).astype(np.int8))
    for i, warm_up in enumerate(random.integers(0, n_rows // 20, n_columns)):
        X[:warm_up, i] = np.nan
    names = [f"c{i:05d}" for i in range(n_columns)]
    return PlantedProblem(names=names, X=X, planted={names[i] for i in places}, classes=classes)


def _remembering(
    random: np.random.Generator, n_rows: int, *, memory: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Autoregressive columns of variance 1, ``(n_rows, n_columns)`` in Fortran order."""
    X = np.empty((n_rows, len(memory)), dtype=np.float32, order="F")
    step = np.sqrt(1 - memory**2).astype(np.float32)
    kept = memory.astype(np.float32)
    now = random.standard_normal(len(memory), dtype=np.float32)
    for row in range(n_rows):
        now = kept * now + step * random.standard_normal(len(memory), dtype=np.float32)
        X[row] = now
    return X
