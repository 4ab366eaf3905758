import io

import keras
import numpy as np
import pytest
import tensorflow as tf

from fleetcast.errors import ConfigurationError, StoreError
from fleetcast.job_args.sequence_config import ConvLstmParams
from fleetcast.sequence.batches import WindowBatches
from fleetcast.sequence.checkpoints import Checkpoint, FitState
from fleetcast.sequence.convlstm import MONITOR, build_convlstm
from fleetcast.sequence.devices import choose_device
from fleetcast.sequence.fitting import DivergedError, FitPlan, FitResult, explaining_memory, fit_model
from fleetcast.store.objects import Store

PARAMS = ConvLstmParams(sequence_length=4, conv_lstm_filters=(2,), dense_units=(4,), learning_rate=0.01)
TRAIN, VAL = np.arange(4, 120), np.arange(130, 180)


class StoppedError(Exception):
    """Stands for a kill between two epochs."""


def fit(
    *, seed: int = 0, epochs: int = 5, patience: int = 3, params: ConvLstmParams = PARAMS, **more
) -> tuple[keras.Model, FitResult]:
    choose_device(gpu=False, cpu_fallback=False, precision="float32", seed=seed)
    rng = np.random.default_rng(1)
    features = rng.normal(size=(200, 3, 2)).astype(np.float32)
    batches = WindowBatches(features, rng.integers(0, 2, 200), sequence_length=4, batch_size=16)
    plan = FitPlan(
        train=lambda epoch: batches.shuffled(TRAIN, seed=seed, first_epoch=epoch),
        n_steps=batches.n_steps(TRAIN),
        val=batches.in_order(VAL),
        epochs=epochs,
        patience=patience,
        monitor=MONITOR,
    )
    model = build_convlstm(params, (3, 2, 1))
    return model, fit_model(model, plan, **more)


def without_time(result: FitResult) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in result.history]


def test_two_seeded_fits_are_equal_and_another_seed_is_not() -> None:
    (one, first), (other, second) = fit(seed=3, epochs=2), fit(seed=3, epochs=2)
    assert without_time(first) == without_time(second)
    for ours, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert without_time(fit(seed=4, epochs=2)[1]) != without_time(first)


@pytest.mark.parametrize("stopped_after", [1, 3])
def test_a_fit_that_was_stopped_ends_as_if_it_had_not_been(store: Store, stopped_after: int) -> None:
    # With a patience of 3 the rate falls after one epoch without a gain: the others' memory counts too.
    whole, expected = fit(epochs=12)
    checkpoint = Checkpoint(store, "checkpoint.npz")

    def stop(epoch: int, row: dict[str, float]) -> None:
        if epoch == stopped_after:
            raise StoppedError

    with pytest.raises(StoppedError):
        fit(epochs=12, checkpoint=checkpoint, on_epoch=stop)
    resumed, result = fit(epochs=12, checkpoint=checkpoint)
    assert without_time(result) == without_time(expected)
    assert len({row["learning_rate"] for row in result.history}) > 1
    for ours, theirs in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_fit_that_is_over_is_not_fitted_again(store: Store) -> None:
    checkpoint = Checkpoint(store, "checkpoint.npz")
    model, result = fit(epochs=2, checkpoint=checkpoint)
    seen: list[int] = []
    again, same = fit(epochs=2, checkpoint=checkpoint, on_epoch=lambda epoch, row: seen.append(epoch))
    assert not seen
    assert same == result
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


def test_it_ends_when_patience_does_and_holds_the_best_epochs_weights() -> None:
    _, result = fit(epochs=60, patience=2)
    assert len(result.history) == result.best_epoch + 2 < 60
    losses = [row["val_log_loss"] for row in result.history]
    assert losses[result.best_epoch - 1] == min(losses)


def test_penalties_that_fall_make_no_epoch_the_best() -> None:
    _, result = fit(epochs=60, patience=2, params=PARAMS.model_copy(update={"l1": 1.0}))
    assert result.history[-1]["val_loss"] == min(row["val_loss"] for row in result.history)
    assert len(result.history) == result.best_epoch + 2 < 60


def test_another_models_checkpoint_is_refused(store: Store) -> None:
    checkpoint = Checkpoint(store, "checkpoint.npz")
    checkpoint.save(
        FitState([{"val_log_loss": 1.0, "val_loss": 1.0, "learning_rate": 0.1}], [np.zeros(2)], [], [], is_over=False)
    )
    with pytest.raises(StoreError, match="the checkpoint holds 1 arrays of another model"):
        fit(epochs=2, checkpoint=checkpoint)


def test_a_checkpoint_that_is_none_is_refused(store: Store) -> None:
    file = io.BytesIO()
    np.savez(file, x=np.zeros(1))
    for content in (b"no archive", file.getvalue()):
        store.write("checkpoint.npz", content)
        with pytest.raises(StoreError, match="is no checkpoint"):
            Checkpoint(store, "checkpoint.npz").load()


def test_a_fit_that_diverges_is_no_model(store: Store) -> None:
    checkpoint = Checkpoint(store, "checkpoint.npz")
    wild = PARAMS.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(
        DivergedError, match=r"val_log_loss is (nan|inf) after epoch 1 at learning_rate 1e\+30\. Lower it"
    ):
        fit(epochs=2, params=wild, checkpoint=checkpoint)
    assert checkpoint.load() is None


def test_running_out_of_memory_names_the_batch_size_to_try() -> None:
    advice = "out of memory at batch size 32: try --batch-size 16"
    with pytest.raises(ConfigurationError, match=advice), explaining_memory(32):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    with pytest.raises(ConfigurationError, match="take fewer filters or stocks"), explaining_memory(1):
        raise MemoryError
