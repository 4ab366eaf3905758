"""Average precision and ROC AUC on rows that were sorted once, under any number of row weightings."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Weights = npt.NDArray[np.float32]


class Ranking:
    """Rows sorted once by a score, so that each reweighting costs a few cumulative sums.

    Rows with equal scores are one threshold, as in scikit-learn's ``average_precision_score`` and ``roc_auc_score``;
    with weights of one the values are those functions' values.

    Args:
        score: (n_rows,) larger means more likely positive.
        positive: (n_rows,) bool, at least one of them true.
    """

    def __init__(self, score: npt.NDArray[np.floating], positive: npt.NDArray[np.bool_]) -> None:
        self.order = np.argsort(-score, kind="stable")
        self._positive = positive[self.order].astype(np.float32)
        in_order = score[self.order]
        self._ends = np.append(np.flatnonzero(in_order[1:] != in_order[:-1]), len(score) - 1)

    def average_precision(self, weights: Weights | None = None) -> npt.NDArray[np.float64]:
        """Area under the precision-recall steps.

        Args:
            weights: (n_rows, n_draws) whole numbers below 2^24 in sum over the rows; None counts each row once.

        Returns:
            (n_draws,); NaN where a draw holds no positive row.
        """
        in_order = self._in_order(weights)
        places = np.flatnonzero(self._positive)  # precision changes the sum at positive rows alone
        ends = self._ends[np.searchsorted(self._ends, places)]
        gained = in_order[places]
        found = np.cumsum(gained, axis=0)[np.searchsorted(places, ends, side="right") - 1]
        seen = np.cumsum(in_order, axis=0)[ends]
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(seen > 0, found / seen, 0)
            return np.asarray(np.einsum("ij,ij->j", gained, precision) / found[-1], dtype=np.float64)

    def roc_auc(self, weights: Weights | None = None) -> npt.NDArray[np.float64]:
        """Probability that a positive row stands above a negative one, ties counting half.

        Args:
            weights: as for `average_precision`.

        Returns:
            (n_draws,); NaN where a draw lacks one of the two kinds.
        """
        in_order = self._in_order(weights)
        positive, negative = np.flatnonzero(self._positive), np.flatnonzero(self._positive == 0)
        tied = np.searchsorted(self._ends, negative)  # which threshold each negative row belongs to
        last, first = self._ends[tied], np.append(0, self._ends[:-1] + 1)[tied]
        found = np.cumsum(in_order[positive], axis=0)
        found = np.concatenate([np.zeros_like(found[:1]), found])
        # The weight found above a negative row, and that of its ties: half of the sum counts the ties half.
        above = found[np.searchsorted(positive, first)] + found[np.searchsorted(positive, last, side="right")]
        missed = in_order[negative]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = above / (2 * found[-1])
            return np.asarray(np.einsum("ij,ij->j", missed, share) / missed.sum(axis=0), dtype=np.float64)

    def _in_order(self, weights: Weights | None) -> Floats:
        return np.ones((len(self.order), 1)) if weights is None else weights[self.order]


def random_average_precision(n_rows: int, n_positive: int) -> float:
    """Expected average precision of a random order of ``n_rows`` rows, ``n_positive`` of them positive.

    The row at rank i is positive with probability p/n, and then the i - 1 rows above it hold (i - 1)(p - 1)/(n - 1)
    positives on average; the mean of their precisions over the ranks is exact, and the prevalence only in the limit.

    Source: Bestgen 2015, "Exact expected average precision of the random baseline for system evaluation".
    """
    if n_rows == 0 or n_positive == 0:
        return float("nan")
    if n_rows == 1:
        return 1.0
    harmonic = float(np.sum(1.0 / np.arange(1, n_rows + 1)))
    return (harmonic + (n_positive - 1) / (n_rows - 1) * (n_rows - harmonic)) / n_rows
