"""Keras's ConvLSTM layer with one convolution a step instead of eight."""

from typing import Any

from keras import layers, ops
from keras.src.layers.rnn.conv_lstm import ConvLSTMCell  # Keras exports its layer alone


class OneConvolutionCell(ConvLSTMCell):  # type: ignore[misc]
    """A step whose four gates see day and state in one convolution.

    Keras's own convolves each of the two for each gate. On images as small as a panel nearly all of that is the cost
    of starting operations: at the sample's size a step of a fit takes three times the CPU (`make bench NAME=steps`).
    """

    def call(self, inputs: Any, states: list[Any], training: bool = False) -> tuple[Any, list[Any]]:
        """The next output, and the states behind it; as Keras's own."""
        output, carry = states
        kernel = ops.concatenate([self.kernel, self.recurrent_kernel], axis=-2)
        gates = self.input_conv(ops.concatenate([inputs, output], axis=-1), kernel, padding="same") + self.bias
        let_in, keep, new, let_out = ops.split(gates, 4, axis=-1)
        carry = self.recurrent_activation(keep) * carry + self.recurrent_activation(let_in) * self.activation(new)
        output = self.recurrent_activation(let_out) * self.activation(carry)
        return output, [output, carry]


def conv_lstm(filters: int, kernel_size: int, *, return_sequences: bool, name: str) -> layers.ConvLSTM2D:
    """The layer, padded so that images keep their size.

    Its configuration and weights are those of Keras's own, which is what a stored or cloned model has.
    """
    layer = layers.ConvLSTM2D(filters, kernel_size, padding="same", return_sequences=return_sequences, name=name)
    layer.cell = OneConvolutionCell.from_config({"rank": 2, **layer.cell.get_config()})
    return layer
