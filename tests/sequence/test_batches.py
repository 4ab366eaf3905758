import numpy as np
import pytest

from fleetcast.sequence.batches import WindowBatches

N_ROWS, LENGTH = 40, 6
ENDS = np.arange(10, 35)


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(N_ROWS, 3, 2)).astype(np.float32)


@pytest.fixture
def batches(features: np.ndarray) -> WindowBatches:
    return WindowBatches(features, np.arange(N_ROWS), sequence_length=LENGTH, batch_size=8)


def order(batches: WindowBatches, *, seed: int, first_epoch: int, n_epochs: int) -> list[int]:
    taken = batches.shuffled(ENDS, seed=seed, first_epoch=first_epoch).take(n_epochs * batches.n_steps(ENDS))
    return [int(end) for _, y in taken for end in y.numpy()[:, 0]]


def test_a_window_is_the_rows_up_to_and_with_its_end(batches: WindowBatches, features: np.ndarray) -> None:
    for x, y in batches.in_order(ENDS):
        for window, end in zip(x.numpy(), y.numpy()[:, 0].astype(int), strict=True):
            np.testing.assert_array_equal(window[..., 0], features[end - LENGTH + 1 : end + 1])


def test_an_epoch_holds_each_window_once_in_an_order_of_its_own(batches: WindowBatches) -> None:
    both = order(batches, seed=0, first_epoch=0, n_epochs=2)
    first, second = both[: len(ENDS)], both[len(ENDS) :]
    assert sorted(first) == sorted(second) == ENDS.tolist()
    assert first != second
    assert first != ENDS.tolist()


def test_a_resumed_fit_sees_what_it_would_have_seen(batches: WindowBatches) -> None:
    whole = order(batches, seed=5, first_epoch=0, n_epochs=3)
    assert whole[2 * len(ENDS) :] == order(batches, seed=5, first_epoch=2, n_epochs=1)
    assert whole != order(batches, seed=6, first_epoch=0, n_epochs=3)


def test_nothing_is_as_large_as_all_windows(features: np.ndarray) -> None:
    history = np.repeat(features, 200, axis=0)
    batches = WindowBatches(history, np.zeros(len(history)), sequence_length=LENGTH, batch_size=8)
    ends = np.arange(LENGTH, len(history))
    sizes = [x.numpy().nbytes for x, _ in batches.in_order(ends).take(3)]
    assert max(sizes) == 8 * LENGTH * history[0].nbytes
    assert sum(array.nbytes for array in (batches._features.numpy(),)) == history.nbytes
