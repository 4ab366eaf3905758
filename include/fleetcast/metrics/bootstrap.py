"""Block bootstrap of time: the same draws for every variant, as weights of bar-time rows."""

import numpy as np
import numpy.typing as npt


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
    block_rows = min(block_rows, n_rows)
    n_blocks = -(-n_rows // block_rows)
    first = np.random.default_rng(seed).integers(0, n_rows, size=(n_draws, n_blocks))
    step = np.zeros((n_draws, n_rows + block_rows), np.int32)
    draw = np.arange(n_draws)[:, None]
    np.add.at(step, (draw, first), 1)
    ends = first + block_rows
    inside = ends < step.shape[1]
    np.add.at(step, (np.broadcast_to(draw, ends.shape)[inside], ends[inside]), -1)
    covered = np.cumsum(step, axis=1)
    weights = covered[:, :n_rows].copy()
    weights[:, :block_rows] += covered[:, n_rows:]
    return np.ascontiguousarray(weights.T, dtype=np.float32)
