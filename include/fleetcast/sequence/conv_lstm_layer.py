"""Keras's ConvLSTM layer with one convolution a step instead of eight."""

from typing import Any

import keras
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


class ConvLstm(layers.ConvLSTM2D):  # type: ignore[misc]
    """The layer, padded so that images keep their size; weights are those of Keras's own."""

    def __init__(self, filters: int, kernel_size: int, *, return_sequences: bool, name: str) -> None:
        super().__init__(filters, kernel_size, padding="same", return_sequences=return_sequences, name=name)
        self.cell: Any = OneConvolutionCell.from_config({"rank": 2, **self.cell.get_config()})


def with_keras_layers(model: keras.Model) -> keras.Model:
    """The same model of Keras's own layers alone, so that whoever loads it needs no code of ours; not compiled."""

    def own(layer: keras.Layer) -> keras.Layer:
        kind = layers.ConvLSTM2D if isinstance(layer, ConvLstm) else type(layer)
        return kind.from_config(layer.get_config())

    found = keras.models.clone_model(model, clone_function=own)
    found.set_weights(model.get_weights())
    return found
