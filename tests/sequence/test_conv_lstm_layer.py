import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from fleetcast.sequence.conv_lstm_layer import ConvLstm, with_keras_layers
from fleetcast.sequence.model_files import load_model, model_bytes

N, STEPS, STOCKS, FEATURES = 3, 6, 5, 4


def model_of_two_layers() -> keras.Model:
    keras.utils.set_random_seed(0)
    window = keras.Input((STEPS, STOCKS, FEATURES, 1))
    days = ConvLstm(3, 2, return_sequences=True, name="first")(window)
    last = ConvLstm(2, 3, return_sequences=False, name="second")(days)
    return keras.Model(window, layers.Dense(1)(layers.Flatten()(last)))


def windows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(N, STEPS, STOCKS, FEATURES, 1)).astype(np.float32)


def test_outputs_and_gradients_are_those_of_keras_own_layer() -> None:
    ours = model_of_two_layers()
    own = with_keras_layers(ours)
    assert [type(layer) for layer in own.layers[1:3]] == [layers.ConvLSTM2D] * 2
    found = []
    for model in (ours, own):
        with tf.GradientTape() as tape:
            output = model(windows())
            loss = tf.reduce_sum(output**2)
        found.append([output.numpy(), *(g.numpy() for g in tape.gradient(loss, model.trainable_weights))])
    for mine, theirs in zip(*found, strict=True):
        assert np.any(theirs)
        assert mine == pytest.approx(theirs, rel=1e-4, abs=1e-5)


def test_a_stored_model_needs_no_code_of_ours(tmp_path: Path) -> None:
    ours = model_of_two_layers()
    path = tmp_path / "stored.keras"
    path.write_bytes(model_bytes(ours, tmp_path))
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    kinds = {layer["module"].partition(".")[0] for layer in config["config"]["layers"]}
    assert kinds == {"keras"}
    assert load_model(path).predict(windows(), verbose=0) == pytest.approx(ours.predict(windows(), verbose=0), abs=1e-6)
