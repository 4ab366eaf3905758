"""What `steps` measures, in the sequence models' environment; prints one JSON object."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fleetcast.job_args.sequence_config import ConvLstmParams, ConvLstmTraining, parse_config
from fleetcast.sequence.batches import WindowBatches
from fleetcast.sequence.convlstm import build_convlstm, direction_metrics
from fleetcast.sequence.devices import choose_device
from fleetcast.sequence.direction_data import DirectionData, prepare_direction
from fleetcast.sequence.fitting import FitPlan, fit_model, plan_fit
from fleetcast.sequence.panels import read_panel

CONFIG = Path(__file__).parents[2] / "include" / "config" / "convlstm_sample.json"
FEATURES = ("return_1", "range", "body", "volume_ratio")
N_ROUNDS, N_EPOCHS = 2, 5  # as the sample trains: what a fit does once, such as its pipeline, is shared by its epochs
SOURCE_STOCKS, SOURCE_BATCH = 30, 4
TRAINING_OVER_FORWARD = 3  # a backward pass costs twice a forward one


def main() -> None:
    """The sample's model and batch; ours, plain and bare compute in turn, after one round that compiles."""
    device = choose_device(gpu=True, cpu_fallback=True, precision="float32", seed=0)
    config = parse_config(ConvLstmTraining, CONFIG.read_text(), where=str(CONFIG))
    data = prepare_direction(read_panel("sample"), config, features=FEATURES)
    params = config.model_params
    ways, plain_bytes = ways_to_fit(data, params)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(N_ROUNDS + 1):
        for name, fit in ways.items():
            began, began_cpu = time.perf_counter(), time.process_time()
            fit()
            if round_:
                seconds[name].append(time.perf_counter() - began)
                cpu[name].append(time.process_time() - began_cpu)
    n_steps = N_EPOCHS * -(-len(data.split.train) // params.batch_size)
    cost = {name: min(found) / n_steps for name, found in seconds.items()}  # of the round that was disturbed least
    cost["cpu_over_plain"] = min(cpu["ours"]) / min(cpu["plain"])
    print(json.dumps({**cost, "plain_bytes": plain_bytes, "our_bytes": data.features.nbytes, "source": source(device)}))


def ways_to_fit(data: DirectionData, params: ConvLstmParams) -> tuple[dict[str, Callable[[], Any]], int]:
    """A fit of a few epochs each, the looks at validation included."""
    batches = WindowBatches(
        data.features, data.target, sequence_length=params.sequence_length, batch_size=params.batch_size
    )
    plan = plan_fit(batches, data.split, epochs=N_EPOCHS, patience=N_EPOCHS, seed=0)
    one = plan.train(0).take(1).cache()
    fixed = FitPlan(lambda _: one.repeat(), plan.n_steps, plan.val.cache(), epochs=N_EPOCHS, patience=N_EPOCHS)
    x, y = copied(data, data.split.train, params)
    x_val, y_val = copied(data, data.split.val, params)
    models = [build_convlstm(params, data.input_shape) for _ in range(3)]
    plain = keras.Model.from_config(models[1].get_config())  # whose cells are Keras's
    plain.set_weights(models[1].get_weights())
    plain.compile(keras.optimizers.Adam(params.learning_rate), "binary_crossentropy", metrics=direction_metrics())
    return {
        "ours": lambda: fit_model(models[0], plan),
        "plain": lambda: plain.fit(
            x, y, batch_size=params.batch_size, epochs=N_EPOCHS, validation_data=(x_val, y_val), verbose=0
        ),
        "compute": lambda: fit_model(models[2], fixed),
    }, x.nbytes + x_val.nbytes


def copied(data: DirectionData, ends: np.ndarray, params: ConvLstmParams) -> tuple[np.ndarray, np.ndarray]:
    """All windows as one array, as `fit` takes them."""
    rows = ends[:, None] + np.arange(1 - params.sequence_length, 1)
    return data.features[rows][..., None], data.target[ends].astype(np.float32)[:, None]


def source(device: str) -> dict[str, Any]:
    """One training step at the source's size, after one that compiles."""
    params = ConvLstmParams(batch_size=SOURCE_BATCH)
    shape = (SOURCE_STOCKS, len(FEATURES), 1)
    model = build_convlstm(params, shape)
    x = tf.random.stateless_normal((SOURCE_BATCH, params.sequence_length, *shape), seed=(0, 0))
    y = tf.constant([[0.0], [1.0]] * (SOURCE_BATCH // 2))
    model.train_on_batch(x, y)
    began = time.perf_counter()
    model.train_on_batch(x, y)
    seconds = time.perf_counter() - began
    gflop = TRAINING_OVER_FORWARD * forward_flop(params, shape) / 1e9
    return {
        "filters": list(params.conv_lstm_filters),
        "stocks": SOURCE_STOCKS,
        "features": len(FEATURES),
        "parameters": model.count_params(),
        "batch": SOURCE_BATCH,
        "seconds_a_sample": round(seconds / SOURCE_BATCH, 3),
        "gflop_a_sample": round(gflop, 1),
        "gflop_a_second": round(gflop * SOURCE_BATCH / seconds, 1),
        "device": device,
    }


def forward_flop(params: ConvLstmParams, shape: tuple[int, int, int]) -> float:
    """Of one window's convolutions: four gates a cell, each over the input and the state; the rest is small."""
    cells, total, channels = math.prod(shape[:2]), 0.0, shape[2]
    for filters, kernel in zip(params.conv_lstm_filters, params.kernels, strict=True):
        total += 2 * (channels + filters) * kernel**2 * 4 * filters * cells * params.sequence_length
        channels = filters
    return total


if __name__ == "__main__":
    keras.utils.disable_interactive_logging()
    main()
