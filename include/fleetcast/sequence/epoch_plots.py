"""Drawings of a fit, epoch by epoch."""

import math
from collections.abc import Mapping, Sequence

from fleetcast.sequence.report_plots import Plot, Series, draw_plot

History = Sequence[Mapping[str, float]]


def epoch_plot(history: History, metric: str, title: str, label: str) -> Plot:
    """A metric of training and validation."""
    series = [_epochs("training", history, metric, "first"), _epochs("validation", history, f"val_{metric}", "second")]
    return draw_plot(title, series, x_label="epoch", y_label=label, x_ticks=_ticks(history))


def rate_plot(history: History) -> Plot:
    """The learning rate, in thousandths: a searched one has five zeros, which no axis has room for."""
    return single_plot("Learning rate", [1000 * row["learning_rate"] for row in history], label="thousandths")


def single_plot(title: str, values: Sequence[float], *, label: str) -> Plot:
    """One positive value an epoch, from zero on."""
    points = [(float(epoch), value) for epoch, value in enumerate(values, start=1)]
    return draw_plot(
        title,
        [Series("", points, "first")],
        x_label="epoch",
        y_label=label,
        y_range=(0, max(values) * 1.05 or 1.0),
        x_ticks=_ticks(values),
    )


def _epochs(name: str, history: History, metric: str, style: str) -> Series:
    return Series(name, [(i + 1, row[metric]) for i, row in enumerate(history)], style)


def _ticks(epochs: Sequence[object]) -> list[tuple[float, str]]:
    step = math.ceil(len(epochs) / 8)
    return [(float(epoch), f"{epoch}") for epoch in range(1, len(epochs) + 1, step)]
