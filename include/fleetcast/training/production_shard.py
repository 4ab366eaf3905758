"""One shard of families: every production model without a manifest is trained in a process of its own and committed."""

import logging
from collections.abc import Iterator, Sequence
from functools import partial

from fleetcast.errors import VariantError
from fleetcast.fleet.results import ProductionResult
from fleetcast.training.production import Choice, ProductionData
from fleetcast.training.production_model import MODEL_FILE, RESULT_FILE, train_production_model
from fleetcast.training.workers import LOG_NAME, Outcome, Task, Workers

logger = logging.getLogger(__name__)


def train_families(data: ProductionData, family_ids: Sequence[str], *, workers: Workers) -> None:
    """Trains what is missing and commits each model as soon as it is complete.

    Args:
        data: what the run's production models share.
        family_ids: of this shard.
        workers: run the processes; `Workers.stop` ends the shard early, with what is complete committed.

    Raises:
        VariantError: models that failed after their restarts, or were abandoned by a request to stop.
    """
    missing = [data.choices[f] for f in family_ids if data.folder.production_model(f).committed() is None]
    logger.info("%d production models: %d already committed", len(family_ids), len(family_ids) - len(missing))
    to_train = [choice for choice in missing if choice.variant is not None]
    for choice in missing:
        if choice.variant is None:
            result = ProductionResult(family_id=choice.family_id, status="skipped", reason=choice.reason)
            _commit(data, choice, result)
            logger.warning("no production model for %s: %s", choice.family_id, choice.reason)
    failures, n_trained = {}, 0
    for outcome in workers.run(_tasks(data, to_train)):
        if outcome.failure is None:
            _commit_trained(data, outcome)
            n_trained += 1
            logger.info("%d of %d trained: %s", n_trained, len(to_train), outcome.name)
        else:
            failures[outcome.name] = outcome.failure
            logger.error("%s failed after %d restarts: %s", outcome.name, outcome.n_restarts, outcome.failure)
    _check_complete(failures, n_left=len(to_train) - n_trained)


def _tasks(data: ProductionData, choices: Sequence[Choice]) -> Iterator[Task]:
    for choice in choices:  # labels are read here: the store's threads do not survive a fork
        labels = data.family_labels(choice.family_id)
        yield Task(choice.family_id, partial(train_production_model, data, choice, labels))


def _commit_trained(data: ProductionData, outcome: Outcome) -> None:
    result = ProductionResult.model_validate_json((outcome.folder / RESULT_FILE).read_bytes())
    folder = data.folder.production_model(outcome.name)
    # The log holds a process number, so it is kept beside the model and not among the outputs.
    data.folder.store.write(f"{folder.path}/{LOG_NAME}", (outcome.folder / LOG_NAME).read_bytes())
    _commit(
        data,
        data.choices[outcome.name],
        result.model_copy(update={"n_restarts": outcome.n_restarts}),
        model=(outcome.folder / MODEL_FILE).read_bytes(),
    )


def _commit(data: ProductionData, choice: Choice, result: ProductionResult, *, model: bytes | None = None) -> None:
    folder = data.folder.production_model(choice.family_id)
    if model is not None:
        folder.write(MODEL_FILE, model)
    folder.commit(inputs={**data.inputs, "choice": choice.digest}, facts=result.model_dump(mode="json"))


def _check_complete(failures: dict[str, str], *, n_left: int) -> None:
    if failures:
        first = "; ".join(f"{name}: {reason}" for name, reason in list(failures.items())[:3])
        raise VariantError(
            f"{len(failures)} production models failed: {first}. Run the shard again to train only these."
        )
    if n_left:
        raise VariantError(f"stopped on request with {n_left} production models to go. Run the shard again.")
