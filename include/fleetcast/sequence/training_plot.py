"""The fit of a return model in six panels, as a picture."""

import io
from collections.abc import Callable, Mapping, Sequence

from matplotlib.figure import Figure

Row = Mapping[str, float]
PANELS = ("Loss", "MAE", "RMSE", "Learning rate", "Gradient norm", "Validation loss / training loss")


def draw_training(history: Sequence[Row], *, title: str) -> bytes:
    """A PNG of loss, MAE, RMSE, learning rate, gradient norm and the ratio of losses by epoch.

    Args:
        history: one row an epoch.
        title: above all.
    """
    figure = Figure(figsize=(13, 7), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(2, 3).ravel()
    epochs = range(1, len(history) + 1)
    for axis, name in zip(axes, PANELS, strict=True):
        axis.set_title(name)
        axis.set_xlabel("epoch")
        axis.grid(alpha=0.3)
    for axis, metric in zip(axes[:3], ("loss", "mae", "rmse"), strict=True):
        axis.plot(epochs, [row[metric] for row in history], label="training")
        axis.plot(epochs, [row[f"val_{metric}"] for row in history], label="validation")
        axis.legend()
    singles: tuple[Callable[[Row], float], ...] = (
        lambda row: row["learning_rate"],
        lambda row: row["gradient_norm"],
        lambda row: row["val_loss"] / row["loss"],
    )
    for axis, value in zip(axes[3:], singles, strict=True):
        axis.plot(epochs, [value(row) for row in history], color="tab:green")
    axes[5].axhline(1.0, color="grey", linestyle="--")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=90)
    return file.getvalue()
