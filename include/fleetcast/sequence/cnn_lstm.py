"""The CNN+LSTM regressor of price series, its uncertainty by Monte-Carlo dropout, and its inner representation."""

import itertools
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from fleetcast.job_args.sequence_config import CnnLstmParams

REPRESENTATION = "representation"
N_SAMPLES = 30


@keras.saving.register_keras_serializable(package="fleetcast")
class MeasuringAdamW(keras.optimizers.AdamW):  # type: ignore[misc]
    """AdamW that adds up the gradients' global norms, so that Keras's own loop can be kept."""

    def build(self, variables: Any) -> None:
        """Makes the sums beside AdamW's own variables."""
        if not self.built:
            self.norms = self.add_variable(shape=(2,), name="norms")  # their sum and their count
        super().build(variables)

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        """Notes the norm, then does what AdamW does."""
        result = super().apply(grads, trainable_variables)
        squares = [ops.sum(ops.square(ops.cast(grad, "float32"))) for grad in grads if grad is not None]
        self.norms.assign_add(ops.stack([ops.sqrt(sum(squares)), 1.0]))
        return result

    def take_mean_norm(self) -> float:
        """The mean since the last call."""
        total, count = (float(value) for value in ops.convert_to_numpy(self.norms))
        self.norms.assign(np.zeros(2, np.float32))
        return total / max(count, 1.0)


class GradientNorms(keras.callbacks.Callback):  # type: ignore[misc]
    """Adds ``gradient_norm`` to each epoch's metrics; comes before those that keep them."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """The mean over the epoch's steps."""
        if logs is not None:
            logs["gradient_norm"] = self.model.optimizer.take_mean_norm()


def build_cnn_lstm(params: CnnLstmParams, n_features: int) -> keras.Model:
    """The model, compiled; its weights follow Keras's seed.

    Weights begin as He et al. 2015 (normal) where ReLU follows, as Glorot & Bengio 2010 (uniform) in the LSTM's inputs,
    the attention and the output, orthogonal in the LSTM's recurrence, with a forget bias of one.

    Args:
        params: layers and the fit's rates.
        n_features: of a day.

    Returns:
        From ``(batch, sequence_length, n_features)`` to ``(batch, 1)``, the return in units of its training deviation.
    """
    window = keras.Input((params.sequence_length, n_features), name="window")
    x = window
    for i, (filters, kernel) in enumerate(zip(params.cnn_filters, params.kernel_sizes, strict=True)):
        x = layers.Conv1D(
            filters, kernel, padding="causal", use_bias=False, kernel_initializer="he_normal", name=f"conv_{i + 1}"
        )(x)
        x = layers.BatchNormalization(name=f"conv_normalisation_{i + 1}")(x)
        x = layers.Activation("relu", name=f"conv_activation_{i + 1}")(x)
        x = layers.Dropout(params.dropout_rate, name=f"conv_dropout_{i + 1}")(x)
    x = _recurrent(params, x)
    for i, units in enumerate(params.dense_units):
        is_last = i == len(params.dense_units) - 1
        name = REPRESENTATION if is_last else f"dense_{i + 1}"
        x = layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=name)(x)
        x = layers.Dropout(params.dropout_rate, name=f"dense_dropout_{i + 1}")(x)
    model = keras.Model(window, layers.Dense(1, dtype="float32", name="return")(x), name="cnn_lstm")
    model.compile(
        optimizer=MeasuringAdamW(params.learning_rate, weight_decay=params.weight_decay),
        loss="mse",
        metrics=[keras.metrics.MeanAbsoluteError(name="mae"), keras.metrics.RootMeanSquaredError(name="rmse")],
    )
    return model


def _recurrent(params: CnnLstmParams, x: Any) -> Any:
    """The LSTM stack's last state or, with heads, the mean over its days of each state and what it attends to."""
    for i, units in enumerate(params.lstm_units):
        goes_on = i < len(params.lstm_units) - 1 or params.attention_heads > 0
        lstm = layers.LSTM(units, return_sequences=goes_on, name=f"lstm_{i + 1}")
        x = (layers.Bidirectional(lstm, name=f"bidirectional_{i + 1}") if params.bidirectional else lstm)(x)
        x = layers.Dropout(params.dropout_rate, name=f"lstm_dropout_{i + 1}")(x)
    if not params.attention_heads:
        return x
    key_size = max(1, x.shape[-1] // params.attention_heads)
    seen = layers.MultiHeadAttention(params.attention_heads, key_size, name="attention")(x, x)
    x = layers.LayerNormalization(name="attention_normalisation")(layers.Add(name="attention_sum")([x, seen]))
    return layers.GlobalAveragePooling1D(name="pooling")(x)


def extract_features(model: keras.Model, windows: Any) -> npt.NDArray[np.float32]:
    """The penultimate representation of windows, for other models to use.

    Args:
        model: from `build_cnn_lstm`, also when it was loaded.
        windows: ``(n_windows, sequence_length, n_features)``, or batches of them.

    Returns:
        ``(n_windows, dense_units[-1])``.
    """
    inner = keras.Model(model.input, model.get_layer(REPRESENTATION).output)
    return np.asarray(inner.predict(windows, verbose=0), dtype=np.float32)


@keras.saving.register_keras_serializable(package="fleetcast")
class AlwaysDropout(layers.Dropout):  # type: ignore[misc]
    """Dropout that drops in prediction too, while batch normalisation stays as it was learnt."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """As in training."""
        return super().call(inputs, training=True)


def predict_with_uncertainty(
    model: keras.Model, windows: Any, *, n_samples: int = N_SAMPLES, seed: int = 0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and standard deviation over predictions with dropout; ``(n_windows,)`` each, in the model's unit.

    Args:
        model: from `build_cnn_lstm`.
        windows: batches, as its prediction takes them.
        n_samples: predictions of each window.
        seed: of the dropout.

    Source: Gal & Ghahramani 2016, "Dropout as a Bayesian approximation".
    """

    seeds = itertools.count(seed)

    def swapped(layer: Any) -> Any:
        if isinstance(layer, layers.Dropout):
            return AlwaysDropout(layer.rate, seed=next(seeds), name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    sampling = keras.models.clone_model(model, clone_function=swapped)
    for layer in sampling.layers:
        if not isinstance(layer, layers.Dropout):
            layer.set_weights(model.get_layer(layer.name).get_weights())
    drawn = np.stack([sampling.predict(windows, verbose=0)[:, 0] for _ in range(n_samples)]).astype(np.float64)
    return drawn.mean(axis=0), drawn.std(axis=0)
