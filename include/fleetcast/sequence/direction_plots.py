"""The drawings of a direction model's report."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from fleetcast.sequence.direction_scores import N_CALIBRATION_BINS, Labels, Probabilities
from fleetcast.sequence.epoch_plots import epoch_plot, rate_plot
from fleetcast.sequence.report_plots import Plot, Series, draw_plot

N_BARS = 25
ROLLING_DAYS = 60
CONFIDENCE_EDGES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
DIAGONAL = Series("by chance", ((0, 0), (1, 1)), "nothing")


def result_plots(y: Labels, probability: Probabilities, *, dates: npt.NDArray[np.int64]) -> list[Plot]:
    """Curves, distributions and accuracy over confidence and time.

    Args:
        y: ``(n_days,)`` 1 for up.
        probability: ``(n_days,)`` of up.
        dates: ``(n_days,)`` milliseconds since the epoch.
    """
    return [
        _roc(y, probability),
        _precision_recall(y, probability),
        _distribution(y, probability),
        _calibration(y, probability),
        _by_confidence(y, probability),
        _over_time(y, probability, dates),
    ]


def training_plots(history: Sequence[Mapping[str, float]]) -> list[Plot]:
    """Loss, macro F1, AUC and learning rate by epoch."""
    both = (
        ("loss", "Loss", "log loss and penalties"),
        ("f1_score", "Macro F1", "macro F1"),
        ("auc", "ROC AUC", "ROC AUC"),
    )
    return [*(epoch_plot(history, *one) for one in both), rate_plot(history)]


def _thresholds(y: Labels, probability: Probabilities) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Cumulated true and false ups from the surest day on, one point a threshold."""
    order = np.argsort(-probability, kind="stable")
    last = np.append(np.diff(probability[order]) != 0, True)
    return np.cumsum(y[order] == 1)[last].astype(float), np.cumsum(y[order] == 0)[last].astype(float)


def _roc(y: Labels, probability: Probabilities) -> Plot:
    hit, false_up = _thresholds(y, probability)
    points = [(0.0, 0.0), *zip(false_up / false_up[-1], hit / hit[-1], strict=True)]
    series = [DIAGONAL, Series("model", points, "first")]
    return draw_plot(
        "ROC curve", series, x_label="false up rate", y_label="true up rate", x_range=(0, 1), y_range=(0, 1)
    )


def _precision_recall(y: Labels, probability: Probabilities) -> Plot:
    hit, false_up = _thresholds(y, probability)
    share = float((y == 1).mean())
    points = list(zip(hit / hit[-1], hit / (hit + false_up), strict=True))
    series = [Series("share of up days", ((0, share), (1, share)), "nothing"), Series("model", points, "first")]
    return draw_plot(
        "Precision and recall", series, x_label="recall", y_label="precision", x_range=(0, 1), y_range=(0, 1)
    )


def _distribution(y: Labels, probability: Probabilities) -> Plot:
    edges = np.linspace(0, 1, N_BARS + 1)
    centres, width = (edges[:-1] + edges[1:]) / 2, 1 / N_BARS
    series = [
        Series(name, list(zip(centres, np.histogram(probability[y == label], edges)[0], strict=True)), style, width)
        for name, label, style in (("up days", 1, "first"), ("down days", 0, "second"))
    ]
    most = max(count for one in series for _, count in one.points)
    return draw_plot(
        "Predictions", series, x_label="probability of up", y_label="days", x_range=(0, 1), y_range=(0, float(most))
    )


def _calibration(y: Labels, probability: Probabilities) -> Plot:
    bins = np.array_split(np.argsort(probability, kind="stable"), N_CALIBRATION_BINS)
    points = [(float(probability[rows].mean()), float(y[rows].mean())) for rows in bins if len(rows)]
    series = [DIAGONAL, Series("tenths of the days", points, "first")]
    return draw_plot(
        "Calibration", series, x_label="probability said", y_label="share of up days", x_range=(0, 1), y_range=(0, 1)
    )


def _by_confidence(y: Labels, probability: Probabilities) -> Plot:
    confidence, right = np.abs(probability - 0.5), (probability > 0.5) == (y == 1)
    n_bins = len(CONFIDENCE_EDGES) - 1
    points = []
    for i, (low, high) in enumerate(itertools.pairwise(CONFIDENCE_EDGES)):
        rows = (confidence >= low) & ((confidence < high) | (i == n_bins - 1))
        if rows.any():
            points.append((i + 0.5, float(right[rows].mean())))
    series = [Series("", points, "first", 0.9), Series("one half", ((0, 0.5), (n_bins, 0.5)), "nothing")]
    return draw_plot(
        "Accuracy by confidence",
        series,
        x_label="distance of the probability from one half",
        y_label="accuracy",
        x_range=(0, n_bins),
        y_range=(0, 1),
        x_ticks=[(float(i), f"{edge:g}") for i, edge in enumerate(CONFIDENCE_EDGES)],
    )


def _over_time(y: Labels, probability: Probabilities, dates: npt.NDArray[np.int64]) -> Plot:
    days = min(ROLLING_DAYS, max(1, len(y) // 3))
    right, up = (probability > 0.5) == (y == 1), y == 1
    kernel = np.ones(days) / days
    at = np.arange(days - 1, len(y), dtype=float)
    series = [
        Series("always up", list(zip(at, np.convolve(up, kernel, "valid"), strict=True)), "nothing"),
        Series("model", list(zip(at, np.convolve(right, kernel, "valid"), strict=True)), "first"),
    ]
    shown = np.quantile(at, (0.1, 0.37, 0.63, 0.9)).astype(int)  # not at the ends, where a label would not fit
    ticks = [(float(i), f"{datetime.fromtimestamp(dates[i] / 1000, tz=UTC):%Y-%m}") for i in shown]
    return draw_plot(
        f"Accuracy over {days} days", series, x_label="last day", y_label="accuracy", y_range=(0, 1), x_ticks=ticks
    )
