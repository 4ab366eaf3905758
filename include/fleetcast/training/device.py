"""Whether LightGBM can compute on the device that a run asks for."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import lightgbm as lgb
import numpy as np

from fleetcast.errors import ConfigurationError


def check_device(device: str) -> None:
    """Fits a small model, so that a pod without a GPU says so at once and not variant by variant.

    It does so in a process of its own: this one forks workers, and a driver's state does not survive that.

    Raises:
        ConfigurationError: LightGBM cannot use the device.
    """
    if device == "cpu":
        return
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        obstacle = pool.submit(_obstacle, device).result()
    if obstacle is not None:
        raise ConfigurationError(
            f"LightGBM cannot compute on the device {device!r}: {obstacle}. Send train-variants to a node pool whose "
            "nodes have a GPU and OpenCL's driver, or choose the device 'cpu' (lightgbmDevice in the chart's values)."
        )


def _obstacle(device: str) -> str | None:
    y = np.arange(64) % 2
    parameters = {
        "objective": "binary",
        "device_type": device,
        "verbosity": -1,
        "num_threads": 1,
        "min_child_samples": 1,
    }
    try:
        lgb.train(parameters, lgb.Dataset(y[:, None].astype(np.float32), label=y), num_boost_round=1)
    except lgb.basic.LightGBMError as exc:
        return str(exc).splitlines()[0].rstrip(".")
    return None
