"""Block bootstrap of time: the same draws for every variant, as weights of bar-time rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fleetcast.errors import DataError

DRAWS_AT_A_TIME = 100


@dataclass(frozen=True)
class TimeDraws:
    """Draws of circular blocks of one span of bar time, ready for the rows of any variant.

    Attributes:
        start: the timeline row where the span begins.
        counts: (n_rows, n_draws) uint8, how often each row of the span appears in each draw (once on average, so
            that no count comes near 255): `block_weights` in a quarter of its memory.
    """

    start: int
    counts: npt.NDArray[np.uint8]

    @property
    def stop(self) -> int:
        """The timeline row after the span's last one."""
        return self.start + len(self.counts)

    @property
    def n_draws(self) -> int:
        """How many draws there are."""
        return int(self.counts.shape[1])

    def weights(self, row: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float32]:
        """How often each of a variant's rows is drawn.

        Args:
            row: (n_events,) timeline rows.

        Returns:
            (n_events, n_draws) whole numbers.

        Raises:
            DataError: a row lies outside the span.
        """
        if len(row) and not self.start <= row.min() <= row.max() < self.stop:
            raise DataError(
                f"cannot weigh rows {row.min()} to {row.max()}: expected rows of the drawn span "
                f"[{self.start}, {self.stop}). Draw the time that the rows lie in."
            )
        weights: npt.NDArray[np.float32] = self.counts[row - self.start].astype(np.float32)
        return weights


def draw_time(start: int, stop: int, *, block_rows: int, n_draws: int, seed: int) -> TimeDraws:
    """Draws the span ``[start, stop)`` of bar time; the numbers are those of `block_weights`, for the same seed.

    Args:
        start: the span's first timeline row.
        stop: the row after its last one.
        block_rows: rows of a block; longer than the longest overlap of labels, so that draws keep it.
        n_draws: draws.
        seed: decides the draws, the same for every variant and symbol.

    Source: as `block_weights`.
    """
    n_rows = stop - start
    counts = np.empty((n_rows, n_draws), np.uint8)
    at = 0
    for chunk in _coverage(n_rows, block_rows, n_draws=n_draws, seed=seed):
        counts[:, at : at + len(chunk)] = chunk.T
        at += len(chunk)
    return TimeDraws(start=start, counts=counts)


def block_weights(n_rows: int, block_rows: int, *, n_draws: int, seed: int) -> npt.NDArray[np.float32]:
    """How often each row of a span of time appears in each draw of circular blocks.

    Args:
        n_rows: rows of bar time in the span.
        block_rows: rows of a block; longer than the longest overlap of labels, so that draws keep it.
        n_draws: draws.
        seed: decides the draws, the same for every variant and symbol.

    Returns:
        (n_rows, n_draws) whole numbers; a draw's sum is ``n_rows`` rounded up to whole blocks.

    Source: Politis & Romano 1992, "A circular block-resampling procedure for stationary data".
    """
    return draw_time(0, n_rows, block_rows=block_rows, n_draws=n_draws, seed=seed).counts.astype(np.float32)


def _coverage(n_rows: int, block_rows: int, *, n_draws: int, seed: int) -> Iterator[npt.NDArray[np.int32]]:
    """(up to `DRAWS_AT_A_TIME`, n_rows) counts at a time, so that memory does not grow with the draws."""
    block_rows = min(block_rows, n_rows)
    n_blocks = -(-n_rows // block_rows)
    starts = np.random.default_rng(seed).integers(0, n_rows, size=(n_draws, n_blocks))
    for at in range(0, n_draws, DRAWS_AT_A_TIME):
        first = starts[at : at + DRAWS_AT_A_TIME]
        step = np.zeros((len(first), n_rows + block_rows), np.int32)
        draw = np.arange(len(first))[:, None]
        np.add.at(step, (draw, first), 1)
        np.add.at(step, (draw, first + block_rows), -1)
        covered = np.cumsum(step, axis=1, dtype=np.int32)
        covered[:, :block_rows] += covered[:, n_rows:]
        yield covered[:, :n_rows]
