"""Screen: drops columns that say nothing, or nothing new, by rules that see no label."""

import csv
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

Reason = Literal["target_related", "missing", "unknown_after_warm_up", "one_value", "low_variance", "correlated"]
Matrix = npt.NDArray[np.float32]
CHUNK_COLUMNS = 256  # of one matrix product
CORRELATION_DECIMALS = 6  # so that the last bits of a matrix product, and with them the threads, decide nothing


@dataclass(frozen=True, kw_only=True)
class ScreenRules:
    """What a column must pass; shares are of rows. Source: design, section 3; ``min_variance`` is our own choice."""

    max_missing: float = 0.70
    max_unknown_after_warm_up: float = 0.90  # of the rows from the column's first value on
    max_one_value: float = 0.95  # of the known values
    min_variance: float = 1e-10  # a hundredth of a percent of log price has 1e-8
    max_correlation: float = 0.90
    max_sample_rows: int = 8000


@dataclass(frozen=True)
class Drop:
    """Why a column was dropped: the reason, the value that the rule refused, and the kept column it resembles."""

    reason: Reason
    value: float | None = None
    kept_column: str | None = None


class Screen:
    """Takes blocks of columns in any order, from any number of threads; `finish` then says which columns stay.

    Of columns that resemble each other the one that stays comes first in `rank`; a column is dropped when it resembles
    one that stays, so neither the order of the blocks nor their sizes decide anything. Memory holds a sample of each
    column that passed alone: every k-th row in time, standardised, unknown values at the mean.

    Args:
        n_rows: rows of every block, all before the screen's end.
        rules: what a column must pass.
    """

    def __init__(self, n_rows: int, rules: ScreenRules) -> None:
        self.kept: list[str] = []
        self.dropped: dict[str, Drop] = {}
        self._rules = rules
        self._step = -(-n_rows // rules.max_sample_rows)
        self._n_known: dict[str, int] = {}
        self._samples: dict[str, npt.NDArray[np.float32]] = {}

    def add_block(self, names: Sequence[str], values: Matrix) -> None:
        """Judges each of the block's columns alone, and keeps a sample of those that pass.

        Args:
            names: of its columns, ``(n_columns,)``.
            values: ``(n_rows, n_columns)``, NaN where unknown.
        """
        for i, name in enumerate(names):
            column = np.ascontiguousarray(values[:, i])
            drop = self._judge_alone(column)
            if drop is not None:
                self.dropped[name] = drop
                continue
            self._n_known[name] = int(np.count_nonzero(~np.isnan(column)))
            self._samples[name] = _standardise(column[:: self._step])

    def rank(self, name: str) -> tuple[int, int, str]:
        """Where a column stands among those that passed alone; smaller is kept rather.

        The most known values first, so the shortest warm-up too; then the simplest making, by the parts of its name (a
        transform or an output is one more); then the name itself. Source: own choice: what is known longest and is
        simplest to compute live, by nothing that depends on an order of computing.
        """
        return -self._n_known[name], name.count("."), name

    def finish(self, *, n_threads: int = 1) -> None:
        """Drops the columns that resemble one that stays; ``kept`` is then in the order of `rank`."""
        kept: list[Matrix] = []  # samples of the columns that stayed, float32 (n_columns, n_sample), a chunk each
        # BLAS's own threads wait for each other on busy cores, so products run side by side on one thread each.
        with ThreadpoolController().limit(limits=1, user_api="blas"), ThreadPoolExecutor(n_threads) as pool:
            for names in _chunks(sorted(self._samples, key=self.rank), CHUNK_COLUMNS):
                sample = np.stack([self._samples.pop(name) for name in names])
                wide = sample.astype(np.float64)
                products = pool.map(lambda earlier: _correlations(wide, earlier), kept)  # noqa: B023  used at once
                stayed = self._drop_correlated(names, np.hstack([*products, _correlations(wide, sample)]))
                kept.append(sample[stayed])

    def table(self) -> bytes:
        """Every dropped column as a row of CSV: name, reason, the value that the rule refused, the kept column."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["name", "reason", "value", "kept_column"])
        for name, drop in sorted(self.dropped.items()):
            value = "" if drop.value is None else f"{drop.value:.6g}"
            rows.writerow([name, drop.reason, value, drop.kept_column or ""])
        return text.getvalue().encode()

    def _judge_alone(self, column: npt.NDArray[np.float32]) -> Drop | None:
        rules, known = self._rules, ~np.isnan(column)
        n_known = np.count_nonzero(known)
        after_warm_up = len(column) - int(np.argmax(known))
        unknown = 1 - n_known / after_warm_up
        if n_known and unknown > rules.max_unknown_after_warm_up:
            return Drop("unknown_after_warm_up", unknown)
        if 1 - n_known / len(column) > rules.max_missing:
            return Drop("missing", 1 - n_known / len(column))
        seen = column[known]
        middle = np.partition(seen, n_known // 2)[n_known // 2]  # a value of more than half of the rows is this one
        one_value = np.count_nonzero(seen == middle) / n_known
        if one_value > rules.max_one_value:
            return Drop("one_value", one_value)
        variance = float(np.var(seen, dtype=np.float64))
        return Drop("low_variance", variance) if variance < rules.min_variance else None

    def _drop_correlated(self, names: Sequence[str], found: npt.NDArray[np.float64]) -> list[int]:
        """Greedy over a chunk; which of its columns stay. ``found`` is ``(n_names, n_kept + n_names)``."""
        n_kept = len(self.kept)
        others = [*self.kept, *names]
        within = found[:, n_kept:].copy()
        found[:, n_kept:] = -1.0  # until that column has stayed
        stayed: list[int] = []
        for i, name in enumerate(names):
            closest = int(np.argmax(found[i]))
            if found[i, closest] > self._rules.max_correlation:
                self.dropped[name] = Drop("correlated", float(found[i, closest]), others[closest])
            else:
                found[:, n_kept + i] = within[:, i]
                stayed.append(i)
                self.kept.append(name)
        return stayed


def _chunks(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    yield from (names[first : first + size] for first in range(0, len(names), size))


def _standardise(column: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Mean 0 and norm 1, unknown values at the mean; a column that does not move in the sample is 0."""
    known = ~np.isnan(column)
    wide = np.where(known, column, 0.0).astype(np.float64)
    centred = np.where(known, wide - wide.sum() / max(np.count_nonzero(known), 1), 0.0)
    norm = np.sqrt(centred @ centred)
    return (centred / (norm or 1.0)).astype(np.float32)


def _correlations(wide: npt.NDArray[np.float64], kept: Matrix) -> npt.NDArray[np.float64]:
    """``(n_columns, n_kept)``: absolute values, summed in float64 and rounded."""
    return np.asarray(np.round(np.abs(wide @ kept.T.astype(np.float64)), CORRELATION_DECIMALS), dtype=np.float64)
