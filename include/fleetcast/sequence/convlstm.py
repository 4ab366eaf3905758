"""The ConvLSTM classifier: convolutions over stocks and features inside a recurrence over days."""

from typing import Any

import keras
from keras import layers, regularizers

from fleetcast.job_args.sequence_config import ConvLstmParams
from fleetcast.sequence.confusion import BinaryF1, MacroF1, Matthews
from fleetcast.sequence.conv_lstm_layer import conv_lstm

# Not val_loss: that holds the penalties of l1 and l2, which fall whatever the model foretells. At the sample's size
# they begin at 0.02 by default and at 12 at the end of the search's space, and log losses differ by hundredths.
MONITOR = "val_log_loss"


def build_convlstm(params: ConvLstmParams, input_shape: tuple[int, int, int]) -> keras.Model:
    """The model, compiled; its weights follow Keras's seed.

    Args:
        params: layers and the fit's rates.
        input_shape: ``(n_stocks, n_features, 1)`` of one day; a window has ``sequence_length`` of them.

    Returns:
        From windows to ``(batch, 1)``, the probability that the day after is up.

    Source: Shi et al. 2015, "Convolutional LSTM network", equation 3, as Keras builds it.
    """
    window = keras.Input((params.sequence_length, *input_shape), name="window")
    x = window
    for i, (filters, kernel) in enumerate(zip(params.conv_lstm_filters, params.kernels, strict=True)):
        is_last = i == len(params.conv_lstm_filters) - 1
        x = conv_lstm(filters, kernel, return_sequences=not is_last, name=f"conv_lstm_{i + 1}")(x)
        x = layers.Dropout(params.dropout_rate, name=f"conv_dropout_{i + 1}")(x)
    x = layers.GlobalAveragePooling2D(name="pooling")(x)
    for i, units in enumerate(params.dense_units):
        penalty = regularizers.L1L2(params.l1, params.l2)
        x = layers.Dense(units, activation="relu", kernel_regularizer=penalty, name=f"dense_{i + 1}")(x)
        x = layers.BatchNormalization(name=f"normalisation_{i + 1}")(x)
        x = layers.Dropout(params.dropout_rate, name=f"dense_dropout_{i + 1}")(x)
    # In float32 also where the layers before compute in half precision.
    probability = layers.Dense(1, activation="sigmoid", dtype="float32", name="probability")(x)
    model = keras.Model(window, probability, name="convlstm")
    model.compile(
        optimizer=keras.optimizers.Adam(params.learning_rate),
        loss="binary_crossentropy",
        metrics=direction_metrics(),
    )
    return model


def direction_metrics() -> list[Any]:
    """New metrics of an epoch; ``f1_score`` is the macro average."""
    return [
        keras.metrics.BinaryCrossentropy(name="log_loss"),
        keras.metrics.BinaryAccuracy(name="accuracy"),
        keras.metrics.Precision(name="precision"),
        keras.metrics.Recall(name="recall"),
        MacroF1("f1_score"),
        BinaryF1("binary_f1_score"),
        Matthews("mcc"),
        keras.metrics.AUC(name="auc"),
    ]
