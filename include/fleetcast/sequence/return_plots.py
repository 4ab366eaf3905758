"""The drawings of a return model's report."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from fleetcast.sequence.epoch_plots import epoch_plot, rate_plot, single_plot
from fleetcast.sequence.report_plots import Plot, Series, draw_plot
from fleetcast.sequence.return_scores import COVERAGES, Values

N_BINS, N_BARS, ROLLING_DAYS = 10, 31, 60


def return_plots(
    true: Values, said: Values, *, dates: npt.NDArray[np.int64], uncertainty: Mapping[str, Mapping[str, float]]
) -> list[Plot]:
    """What came against what was said, both distributions, coverage, and direction over time.

    Args:
        true: ``(n,)`` log returns.
        said: ``(n,)`` what was foretold.
        dates: ``(n,)`` of the windows' last days, milliseconds since the epoch.
        uncertainty: shares of returns in intervals, ``before`` and ``after`` they were widened.
    """
    return [_tenths(true, said), _distribution(true, said), _coverage(uncertainty), _over_time(true, said, dates)]


def fit_plots(history: Sequence[Mapping[str, float]]) -> list[Plot]:
    """Loss, MAE, RMSE, learning rate, gradient norm and the ratio of losses by epoch."""
    metrics = (("loss", "Loss", "loss"), ("mae", "MAE", "MAE, scaled"), ("rmse", "RMSE", "RMSE, scaled"))
    ratios = [row["val_loss"] / row["loss"] for row in history]
    return [
        *(epoch_plot(history, *one) for one in metrics),
        rate_plot(history),
        single_plot("Gradient norm", [row["gradient_norm"] for row in history], label="mean of the epoch"),
        single_plot("Validation loss / training loss", ratios, label="ratio"),
    ]


def _tenths(true: Values, said: Values) -> Plot:
    bins = [rows for rows in np.array_split(np.argsort(said, kind="stable"), N_BINS) if len(rows)]
    points = [(100 * float(said[rows].mean()), 100 * float(true[rows].mean())) for rows in bins]
    ends = points[0][0], points[-1][0]
    series = [Series("as said", [(end, end) for end in ends], "nothing"), Series("tenths", points, "first")]
    return draw_plot("What came", series, x_label="return said, %", y_label="mean return that came, %")


def _distribution(true: Values, said: Values) -> Plot:
    reach = 100 * float(np.quantile(np.abs(true), 0.99)) or 1.0
    edges = np.linspace(-reach, reach, N_BARS + 1)
    centres, width = (edges[:-1] + edges[1:]) / 2, 2 * reach / N_BARS
    series = [
        Series(name, list(zip(centres, np.histogram(100 * values, edges)[0], strict=True)), style, width)
        for name, values, style in (("said", said, "first"), ("came", true, "second"))
    ]
    most = max(count for one in series for _, count in one.points)
    return draw_plot(
        "Returns", series, x_label="return, %", y_label="windows", x_range=(-reach, reach), y_range=(0, float(most))
    )


def _coverage(uncertainty: Mapping[str, Mapping[str, float]]) -> Plot:
    named = (("dropout alone", "before", "second"), ("widened", "after", "first"))
    series = [Series("as claimed", ((0, 0), (1, 1)), "nothing")]
    for name, key, style in named:
        series.append(Series(name, list(zip(COVERAGES, uncertainty[key].values(), strict=True)), style))
    return draw_plot("Coverage of intervals", series, x_label="claimed", y_label="seen", x_range=(0, 1), y_range=(0, 1))


def _over_time(true: Values, said: Values, dates: npt.NDArray[np.int64]) -> Plot:
    days, at = np.unique(dates, return_inverse=True)
    n = np.bincount(at)
    kernel = min(ROLLING_DAYS, max(1, len(days) // 3))
    right, up = (np.bincount(at, rows) / n for rows in ((said > 0) == (true > 0), true > 0))
    places = np.arange(kernel - 1, len(days), dtype=float)
    series = [
        Series(name, list(zip(places, np.convolve(values, np.ones(kernel) / kernel, "valid"), strict=True)), style)
        for name, values, style in (("always up", up, "nothing"), ("model", right, "first"))
    ]
    shown = np.quantile(places, (0.1, 0.37, 0.63, 0.9)).astype(int)
    ticks = [(float(i), f"{datetime.fromtimestamp(days[i] / 1000, tz=UTC):%Y-%m}") for i in shown]
    return draw_plot(
        f"Direction over {kernel} days",
        series,
        x_label="last day",
        y_label="directional accuracy",
        y_range=(0, 1),
        x_ticks=ticks,
    )
