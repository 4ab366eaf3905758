import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras.src.layers.rnn.conv_lstm import ConvLSTMCell

from fleetcast.sequence.conv_lstm_layer import conv_lstm

N, STEPS, STOCKS, FEATURES = 3, 6, 5, 4


def model_of_two_layers() -> keras.Model:
    keras.utils.set_random_seed(0)
    window = keras.Input((STEPS, STOCKS, FEATURES, 1))
    days = conv_lstm(3, 2, return_sequences=True, name="first")(window)
    last = conv_lstm(2, 3, return_sequences=False, name="second")(days)
    return keras.Model(window, layers.Dense(1)(layers.Flatten()(last)))


def windows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(N, STEPS, STOCKS, FEATURES, 1)).astype(np.float32)


def test_outputs_and_gradients_are_those_of_keras_own_layer() -> None:
    ours = model_of_two_layers()
    own = keras.Model.from_config(ours.get_config())
    own.set_weights(ours.get_weights())
    assert [type(layer.cell) for layer in own.layers[1:3]] == [ConvLSTMCell] * 2
    found = []
    for model in (ours, own):
        with tf.GradientTape() as tape:
            output = model(windows())
            loss = tf.reduce_sum(output**2)
        found.append([output.numpy(), *(g.numpy() for g in tape.gradient(loss, model.trainable_weights))])
    for mine, theirs in zip(*found, strict=True):
        assert np.any(theirs)
        assert mine == pytest.approx(theirs, rel=1e-4, abs=1e-5)
