"""One shard: every variant without a manifest is trained in a process of its own and committed."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial

import psutil

from fleetcast.errors import VariantError
from fleetcast.fleet.results import VariantResult
from fleetcast.fleet.variants import Variant
from fleetcast.training.groups import variants_with_groups
from fleetcast.training.run_data import RunData
from fleetcast.training.variant import OUTPUTS, train_variant
from fleetcast.training.workers import LOG_NAME, Attempt, Outcome, Task, Workers

logger = logging.getLogger(__name__)
SECONDS_BETWEEN_REPORTS = 10.0


class Shard:
    """Trains variants and commits each as soon as it is complete.

    Args:
        data: the run's inputs.
        variants: of this shard, in the grid's order.
        workers: run the processes; `Workers.stop` ends the shard early, with what is complete committed.
    """

    def __init__(self, data: RunData, variants: Sequence[Variant], *, workers: Workers) -> None:
        self.data = data
        self.variants = variants
        self.workers = workers
        self._failures: dict[str, str] = {}
        self._failed_before: set[str] = set()
        self._n_done = 0
        self._last_report = time.monotonic()

    def train(self) -> None:
        """Trains what is missing.

        Raises:
            VariantError: variants that failed after their restarts, or were abandoned by a request to stop.
        """
        self.data.validation_draws  # noqa: B018  # drawn once, before the processes that share it
        committed = self.data.folder.committed_variants()
        self._failed_before = set(self.data.folder.failed_variants())
        missing = [v for v in self.variants if v.variant_id not in committed]
        self._n_done = len(self.variants) - len(missing)
        logger.info("%d variants: %d already committed, %d to go", len(self.variants), self._n_done, len(missing))
        to_train = []
        for variant in missing:
            if self.data.counts[variant.variant_id]["skipped"]:
                self._commit_skipped(variant)
            else:
                to_train.append(variant)
        for outcome in self.workers.run(self._tasks(to_train)):
            self._record(outcome)
            self._report()
        self._check_complete()

    def _tasks(self, variants: Sequence[Variant]) -> Iterator[Task]:
        for variant, group in variants_with_groups(self.data, variants):
            yield Task(variant.variant_id, partial(train_variant, self.data, group, variant))

    def _record(self, outcome: Outcome) -> None:
        if outcome.failure is not None:
            self._failures[outcome.name] = outcome.failure
            logger.error("%s failed after %d restarts: %s", outcome.name, outcome.n_restarts, outcome.failure)
            self.data.folder.write_failure(outcome.name, outcome.failure)
            return
        self._commit_trained(outcome)
        if outcome.name in self._failed_before:
            self.data.folder.delete_failure(outcome.name)
        self._n_done += 1

    def _commit_trained(self, outcome: Outcome) -> None:
        result = VariantResult.model_validate_json((outcome.folder / "result.json").read_bytes())
        folder = self.data.folder.variant(outcome.name)
        for path in (outcome.folder / name for name in OUTPUTS):
            if path.exists():  # a variant that must not be judged has no baseline, and few are references
                folder.write(path.name, path.read_bytes())
        # The log holds a process number, so it is kept beside the outputs and not among their digests.
        self.data.folder.store.write(f"{folder.path}/{LOG_NAME}", (outcome.folder / LOG_NAME).read_bytes())
        facts = result.model_copy(update={"n_restarts": outcome.n_restarts}).model_dump(mode="json")
        folder.commit(inputs=self.data.inputs, facts=facts)

    def _commit_skipped(self, variant: Variant) -> None:
        counts = self.data.counts[variant.variant_id]
        result = VariantResult(
            variant_id=variant.variant_id,
            family_id=variant.family.family_id,
            status="skipped",
            reason=counts["skipped"],
            n_events=counts["events"],
            n_by_class={name: counts[name] for name in ("breakout", "reversal", "neither")},
        )
        self.data.folder.variant(variant.variant_id).commit(
            inputs=self.data.inputs, facts=result.model_dump(mode="json")
        )
        self._n_done += 1

    def _report(self) -> None:
        if time.monotonic() - self._last_report < SECONDS_BETWEEN_REPORTS:
            return
        self._last_report = time.monotonic()
        running = ", ".join(_health(attempt) for attempt in self.workers.running)
        logger.info(
            "%d of %d done, %d failed; running: %s", self._n_done, len(self.variants), len(self._failures), running
        )

    def _check_complete(self) -> None:
        if self._failures:
            first = "; ".join(f"{name}: {reason}" for name, reason in list(self._failures.items())[:3])
            raise VariantError(
                f"{len(self._failures)} of {len(self.variants)} variants failed after "
                f"{self.workers.limits.n_restarts} restarts: {first}. Run the shard again to train only these."
            )
        if self.workers.stopping:
            raise VariantError(
                f"stopped on request with {self._n_done} of {len(self.variants)} variants committed. "
                "Run the shard again to train the rest."
            )


def _health(attempt: Attempt) -> str:
    with suppress(psutil.Error):
        mib = psutil.Process(attempt.process.pid).memory_info().rss // 2**20
        seconds = time.monotonic() - attempt.started
        return f"{attempt.task.name} ({seconds:.1f} s, {mib} MiB, attempt {attempt.number + 1})"
    return f"{attempt.task.name} (ending)"
