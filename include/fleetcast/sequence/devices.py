"""Which device TensorFlow computes on; to be chosen before it computes anything."""

import logging

import keras
import tensorflow as tf

from fleetcast.errors import ConfigurationError
from fleetcast.job_args.sequence import SequenceArgs
from fleetcast.training.cpu import cpu_limit

log = logging.getLogger(__name__)


def choose_device(*, gpu: bool, cpu_fallback: bool, precision: str, seed: int) -> str:
    """Sets device, threads, precision and seed; returns the device in words, for the run's facts.

    Args:
        gpu: compute on GPUs.
        cpu_fallback: compute without one when there is none, and say so.
        precision: Keras's policy, such as ``float32`` or ``mixed_bfloat16``.
        seed: of weights, dropout and the order of windows; on the CPU it decides every number.

    Raises:
        ConfigurationError: a GPU was asked for and there is none.
    """
    found = tf.config.list_physical_devices("GPU")
    if gpu and not found and not cpu_fallback:
        raise ConfigurationError(
            "a GPU was asked for and TensorFlow finds none: send the job to a node pool whose nodes have one, with the "
            "image fleetcast-sequence, or allow the CPU with --cpu-fallback"
        )
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(precision)
    if gpu and found:
        name = tf.config.experimental.get_device_details(found[0]).get("device_name", "unknown")
        return f"{len(found)} GPU ({name})"
    tf.config.set_visible_devices([], "GPU")
    tf.config.experimental.enable_op_determinism()
    _limit_threads()
    if gpu:
        log.warning("no GPU found: computing on %d CPUs", cpu_limit())
    return f"{cpu_limit()} CPUs" + (", because no GPU was found" if gpu else "")


def choose_args_device(args: SequenceArgs) -> str:
    """The same, as a job's arguments say."""
    return choose_device(gpu=args.gpu, cpu_fallback=args.cpu_fallback, precision=args.precision, seed=args.seed)


def _limit_threads() -> None:
    """As many as the pod's limit. A process that computes already, such as one of tests, keeps its own."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(cpu_limit())
        tf.config.threading.set_inter_op_parallelism_threads(2)
    except RuntimeError as exc:
        log.debug("threads stay as they are: %s", exc)
