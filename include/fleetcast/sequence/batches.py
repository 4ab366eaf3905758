"""Batches of windows, gathered from one history in memory: what they take grows with the batch, not the history."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from fleetcast.sequence.windows import Rows

N_READY = 2  # batches that wait for the model


class WindowBatches:
    """Windows of one history and what each foretells.

    Args:
        features: ``(n_rows, ...)`` float32.
        target: ``(n_rows,)``, what a window that ends in the row foretells.
        sequence_length: rows of a window.
        batch_size: windows of a batch.
        channel: add a last axis of one, as convolutions over an image ask for.
    """

    def __init__(
        self,
        features: npt.NDArray[np.float32],
        target: npt.NDArray[np.generic],
        *,
        sequence_length: int,
        batch_size: int,
        channel: bool = True,
    ) -> None:
        with tf.device("CPU"):
            self._features = tf.constant(features[..., None] if channel else features)
            self._target = tf.constant(target.astype(np.float32)[:, None])
            self._offsets = tf.range(1 - sequence_length, 1, dtype=tf.int64)
        self.batch_size = batch_size

    def in_order(self, ends: Rows) -> tf.data.Dataset:
        """Each window once."""
        return self._gathered(tf.data.Dataset.from_tensor_slices(ends).batch(self.batch_size))

    def shuffled(self, ends: Rows, *, seed: int, first_epoch: int = 0) -> tf.data.Dataset:
        """Epoch after epoch without an end, `n_steps` batches each.

        An epoch's order follows from seed and epoch alone, so that a resumed fit sees what it would have seen.
        """

        def epoch(number: tf.Tensor) -> tf.data.Dataset:
            order = tf.random.experimental.stateless_shuffle(tf.constant(ends), seed=[seed, number])
            return tf.data.Dataset.from_tensor_slices(order).batch(self.batch_size)

        return self._gathered(tf.data.Dataset.counter(first_epoch).flat_map(epoch))

    def n_steps(self, ends: Rows) -> int:
        """Batches of one epoch."""
        return -(-len(ends) // self.batch_size)

    def _gathered(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        def gather(ends: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            rows = ends[:, None] + self._offsets
            return tf.gather(self._features, rows), tf.gather(self._target, ends)

        return batches.map(gather, num_parallel_calls=1).prefetch(N_READY)
