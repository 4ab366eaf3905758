from pathlib import Path

import keras
import numpy as np
import pytest

from fleetcast.job_args.sequence_config import CnnLstmParams
from fleetcast.sequence.cnn_lstm import (
    GradientNorms,
    build_cnn_lstm,
    extract_features,
    predict_with_uncertainty,
)
from fleetcast.sequence.model_files import load_model, model_bytes

X = np.random.default_rng(0).normal(size=(12, 8, 3)).astype(np.float32)


def small(**more) -> CnnLstmParams:
    values = {
        "sequence_length": 8,
        "cnn_filters": (4,),
        "kernel_sizes": (3,),
        "lstm_units": (4,),
        "attention_heads": 2,
        "dense_units": (6, 5),
        **more,
    }
    return CnnLstmParams(**values)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"bidirectional": True, "lstm_units": (4, 3)},
        {"attention_heads": 0},
        {"cnn_filters": (4, 2), "kernel_sizes": (2, 5)},
    ],
)
def test_it_takes_windows_and_gives_a_return(more: dict) -> None:
    model = build_cnn_lstm(small(**more), 3)
    assert model.predict(X, verbose=0).shape == (12, 1)


def test_a_day_knows_nothing_of_later_days_in_the_convolutions() -> None:
    model = build_cnn_lstm(small(), 3)
    until = keras.Model(model.input, model.get_layer("conv_1").output)
    changed = X.copy()
    changed[:, 5:] += 1
    np.testing.assert_array_equal(until.predict(X, verbose=0)[:, :5], until.predict(changed, verbose=0)[:, :5])


def test_its_representation_is_what_the_output_is_made_of(tmp_path: Path) -> None:
    model = build_cnn_lstm(small(), 3)
    model_bytes(model, tmp_path)
    found = extract_features(load_model(tmp_path / "model.keras"), X)
    assert found.shape == (12, 5)
    weights, bias = model.get_layer("return").get_weights()
    np.testing.assert_allclose(found @ weights + bias, model.predict(X, verbose=0), atol=1e-5)


def test_uncertainty_is_that_of_dropout_alone() -> None:
    model = build_cnn_lstm(small(dropout_rate=0.3), 3)
    mean, deviation = predict_with_uncertainty(model, X, n_samples=20, seed=1)
    assert (deviation > 0).all()
    again = predict_with_uncertainty(model, X, n_samples=20, seed=1)
    np.testing.assert_array_equal(mean, again[0])
    without = build_cnn_lstm(small(dropout_rate=0.0), 3)
    mean, deviation = predict_with_uncertainty(without, X, n_samples=3)
    np.testing.assert_allclose(mean, without.predict(X, verbose=0)[:, 0], atol=1e-6)
    assert deviation.max() < 1e-6  # batch normalisation stays as it was learnt


def test_the_gradient_norm_is_that_of_all_gradients() -> None:
    keras.utils.set_random_seed(0)
    model = build_cnn_lstm(small(dropout_rate=0.0), 3)
    model.fit(X, np.zeros((12, 1)), batch_size=4, epochs=1, verbose=0)
    assert model.optimizer.take_mean_norm() > 0
    assert model.optimizer.take_mean_norm() == 0  # taken

    layer = keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)
    inputs = keras.Input((2,))
    line = keras.Model(inputs, layer(inputs))
    line.compile(type(model.optimizer)(0.1), "mse")
    rows = line.fit(
        np.array([[3.0, 4.0]]), np.array([[0.0]]), epochs=1, verbose=0, callbacks=[GradientNorms()], shuffle=False
    )
    assert rows.history["gradient_norm"] == [pytest.approx(2 * 7 * 5)]  # of (w x)^2: 2 (w x) x
