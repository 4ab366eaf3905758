"""Fits a model with Keras's own loop: early stopping, a falling learning rate, and going on after a kill."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from fleetcast.errors import ConfigurationError
from fleetcast.sequence.batches import WindowBatches
from fleetcast.sequence.checkpoints import Checkpoint, EpochRow, FitState, assign_values, values_of
from fleetcast.sequence.windows import WindowSplit

VALIDATION_LOSS = "val_loss"
PLATEAU_FACTOR, PLATEAU_SHARE, SMALLEST_RATE = 0.5, 3, 1e-7  # the rate falls thrice before the patience ends


@dataclass(frozen=True)
class FitPlan:
    """How long, and on what.

    Attributes:
        train: batches without an end, from the first epoch that is left.
        n_steps: batches of an epoch.
        val: batches of one look.
        epochs: at most.
        patience: epochs without a better value until it ends.
        monitor: the metric whose least value makes the best epoch.
    """

    train: Callable[[int], tf.data.Dataset]
    n_steps: int
    val: tf.data.Dataset
    epochs: int
    patience: int
    monitor: str = VALIDATION_LOSS


def plan_fit(
    batches: WindowBatches,
    split: WindowSplit,
    *,
    epochs: int,
    patience: int,
    seed: int,
    monitor: str = VALIDATION_LOSS,
) -> FitPlan:
    """The fit on a split's training windows, watched on its validation windows."""
    return FitPlan(
        train=lambda epoch: batches.shuffled(split.train, seed=seed, first_epoch=epoch),
        n_steps=batches.n_steps(split.train),
        val=batches.in_order(split.val),
        epochs=epochs,
        patience=patience,
        monitor=monitor,
    )


@dataclass(frozen=True)
class FitResult:
    """What became of it; the model holds the best epoch's weights.

    Attributes:
        history: one row an epoch; ``seconds`` is its wall time.
        best_epoch: counted from 1.
    """

    history: list[EpochRow]
    best_epoch: int

    @property
    def best(self) -> EpochRow:
        """The best epoch's row."""
        return self.history[self.best_epoch - 1]


def fit_model(
    model: keras.Model,
    plan: FitPlan,
    *,
    checkpoint: Checkpoint | None = None,
    on_epoch: Callable[[int, EpochRow], None] = lambda epoch, row: None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> FitResult:
    """Fits until the patience or the epochs end, from the checkpoint on if there is one.

    Args:
        model: compiled.
        plan: how long, and on what.
        checkpoint: where to keep the state; None keeps none.
        on_epoch: told each epoch, from 1, with its row.
        callbacks: more of Keras's.

    Raises:
        DivergedError: no epoch has a monitored metric that is a number.
    """
    state = checkpoint.load() if checkpoint else None
    followers = [
        keras.callbacks.ReduceLROnPlateau(
            plan.monitor,
            factor=PLATEAU_FACTOR,
            patience=max(1, plan.patience // PLATEAU_SHARE),
            min_lr=SMALLEST_RATE,
            mode="min",
        ),
        keras.callbacks.EarlyStopping(plan.monitor, patience=plan.patience, mode="min"),
    ]
    keeper = _Keeper(followers, monitor=plan.monitor, state=state, checkpoint=checkpoint, on_epoch=on_epoch)
    if state is None or not state.is_over:
        n_done = len(state.history) if state else 0
        model.fit(
            plan.train(n_done),
            steps_per_epoch=plan.n_steps,
            validation_data=plan.val,
            initial_epoch=n_done,
            epochs=plan.epochs,
            callbacks=[*followers, *callbacks, keeper],
            shuffle=False,  # the batches come in their epoch's order
            verbose=0,
        )
    assign_values(model.variables, keeper.best)
    return FitResult(history=keeper.history, best_epoch=_best_epoch(keeper.history, plan.monitor))


def score_while_fitting(
    model: keras.Model, plan: FitPlan, *, metric: str, report: Callable[[int, float], None]
) -> float:
    """A trial's score: the metric at the best epoch, which is the model that would be kept.

    Args:
        model: compiled.
        plan: how long, and on what.
        metric: such as ``val_f1_score``.
        report: told after each epoch, from 1, the score so far; what it raises ends the fit.
    """
    seen: list[EpochRow] = []

    def on_epoch(epoch: int, row: EpochRow) -> None:
        seen.append(row)
        report(epoch, seen[_best_epoch(seen, plan.monitor) - 1][metric])

    fit_model(model, plan, on_epoch=on_epoch)
    return seen[_best_epoch(seen, plan.monitor) - 1][metric]


class UnfitModelError(ConfigurationError):
    """No model comes of this configuration; a search goes on with others."""


class OutOfMemoryError(UnfitModelError):
    """The model, or its batch, does not fit into memory."""


class DivergedError(UnfitModelError):
    """The loss is no number any more."""


@contextmanager
def explaining_memory(batch_size: int) -> Iterator[None]:
    """Raises OutOfMemoryError, with the batch size to try, for what TensorFlow says when memory ends."""
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as exc:
        advice = f"try --batch-size {batch_size // 2}" if batch_size > 1 else "take fewer filters or stocks"
        raise OutOfMemoryError(f"out of memory at batch size {batch_size}: {advice}") from exc


class _Keeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Comes after all others: it keeps what they and the model are after each epoch, and brings it back."""

    def __init__(
        self,
        followers: Sequence[keras.callbacks.Callback],
        *,
        monitor: str,
        state: FitState | None,
        checkpoint: Checkpoint | None,
        on_epoch: Callable[[int, EpochRow], None],
    ) -> None:
        super().__init__()
        self.history: list[EpochRow] = list(state.history) if state else []
        self.best: Sequence[Any] = state.best if state else ()
        self._followers = followers
        self._monitor = monitor
        self._state = state
        self._checkpoint = checkpoint
        self._on_epoch = on_epoch
        self._started = 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """The others see again what they saw, so that their patience goes on; then the model is as it was."""
        if self._state is None:
            return
        for epoch, row in enumerate(self._state.history):
            for follower in self._followers:
                follower.on_epoch_end(epoch, dict(row))
        self.model.optimizer.build(self.model.trainable_variables)
        assign_values(self.model.variables, self._state.variables)
        assign_values(self.model.optimizer.variables, self._state.optimizer)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the epoch's clock."""
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the epoch, and keeps the state."""
        row = {name: float(value) for name, value in (logs or {}).items()}
        row |= {"seconds": round(time.monotonic() - self._started, 3)}
        row.setdefault("learning_rate", float(self.model.optimizer.learning_rate))
        self.history.append(row)
        self._check_loss()
        values = values_of(self.model.variables)
        if _best_epoch(self.history, self._monitor) == len(self.history):
            self.best = values
        is_over = self.model.stop_training or epoch + 1 == self.params["epochs"]
        if self._checkpoint:
            optimizer = values_of(self.model.optimizer.variables)
            self._checkpoint.save(FitState(self.history, values, optimizer, self.best, is_over))
        self._on_epoch(epoch + 1, row)

    def _check_loss(self) -> None:
        """An epoch that diverges after better ones spends patience; before any there is no model to keep."""
        row = self.history[_best_epoch(self.history, self._monitor) - 1]
        least = row[self._monitor]
        if not math.isfinite(least):
            raise DivergedError(
                f"the fit diverged: {self._monitor} is {least} after epoch {len(self.history)} at learning_rate "
                f"{row['learning_rate']:g}. Lower it."
            )


def _best_epoch(history: Sequence[EpochRow], monitor: str) -> int:
    """The first with the least value of the metric, from 1."""
    return min(range(len(history)), key=lambda i: history[i][monitor]) + 1
