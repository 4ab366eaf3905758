"""What is told after each epoch: a line in the log, and TensorBoard's event files, which TensorFlow writes alone."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import tensorflow as tf

from fleetcast.sequence.checkpoints import EpochRow

log = logging.getLogger(__name__)


class EventFiles:
    """One folder of a run: ``train`` and ``validation``, a scalar a metric and epoch.

    Args:
        folder: the run's.
    """

    def __init__(self, folder: Path) -> None:
        self._writers = {name: tf.summary.create_file_writer(str(folder / name)) for name in ("train", "validation")}
        self._metadata = tf.compat.v1.SummaryMetadata(
            plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        )

    def write(self, epoch: int, row: EpochRow) -> None:
        """One epoch's metrics; those of validation begin with ``val_``."""
        for name, value in row.items():
            part = "validation" if name.startswith("val_") else "train"
            with self._writers[part].as_default(step=epoch):
                tf.summary.write(
                    f"epoch_{name.removeprefix('val_')}", tf.constant(value, tf.float32), metadata=self._metadata
                )
        for writer in self._writers.values():
            writer.flush()


def tell_epochs(shown: Sequence[str], *, events: Path | None) -> Callable[[int, EpochRow], None]:
    """What `fit_model` is to call after each epoch.

    Args:
        shown: metrics for the log's line.
        events: the folder of TensorBoard's files; None writes none.
    """
    files = EventFiles(events) if events else None

    def tell(epoch: int, row: EpochRow) -> None:
        values = ", ".join(f"{name} {row[name]:.4f}" for name in shown)
        log.info("epoch %d: %s, %.1f s", epoch, values, row["seconds"])
        if files:
            files.write(epoch, row)

    return tell
