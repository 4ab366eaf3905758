"""Keeping at it: while training goes on, and while MLflow is away."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fleetcast.errors import RunEndedError, ServiceError, TakenOverError
from fleetcast.tracking.projection import Projection

log = logging.getLogger(__name__)
Found = TypeVar("Found")

FIRST_PAUSE_SECONDS = 1.0  # after MLflow did not answer; doubles up to the longest
LONGEST_PAUSE_SECONDS = 15.0


@dataclass(frozen=True)
class Patience:
    """How long to wait for what.

    Attributes:
        poll_seconds: between two looks at the store.
        idle_limit_seconds: without anything new to log, while following.
        outage_limit_seconds: without an answer from MLflow.
    """

    poll_seconds: float
    idle_limit_seconds: float
    outage_limit_seconds: float


@dataclass(frozen=True)
class Clock:
    """The time that passes here, and how to wait."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


def project(
    projection: Projection,
    *,
    follow: bool,
    patience: Patience,
    clock: Clock,
    has_ended: Callable[[], bool] = lambda: False,
) -> float:
    """Logs what the manifests hold: once, or until the run's report is logged too.

    Args:
        projection: of one run key.
        follow: go on until the report is logged.
        patience: how long to wait for what.
        clock: the time that passes here.
        has_ended: whether the run is over without a report. What is there by then is still logged.

    Returns:
        The seconds it took without the waiting for news.

    Raises:
        ServiceError: MLflow did not answer for too long, or nothing new appeared for too long.
        RunEndedError: the run is over, and its report will not come.
        TakenOverError: another process logs this run key now.
    """
    last_news = clock.monotonic()
    busy_seconds = 0.0
    while True:
        n_before, begun = projection.n_steps, clock.monotonic()
        over = follow and has_ended()
        n_new = keep_trying(
            projection.advance,
            progress=lambda: projection.n_steps,
            outage_limit_seconds=patience.outage_limit_seconds,
            clock=clock,
        )
        now = clock.monotonic()
        busy_seconds += now - begun
        if n_new or projection.n_steps > n_before:
            last_news = now
            log.info("logged %d of %d variants", projection.n_logged, projection.n_variants)
        if projection.is_complete or not follow:
            return busy_seconds
        if over:
            raise RunEndedError(
                f"the run has ended without its report: {projection.n_logged} of {projection.n_variants} variants are "
                "in MLflow. When it goes on, clear this task: nothing is lost"
            )
        if now - last_news >= patience.idle_limit_seconds:
            last_news = now if projection.has_new_results() else last_news
        if now - last_news >= patience.idle_limit_seconds:
            raise ServiceError(
                f"nothing new to log for {now - last_news:.0f} s: {projection.n_logged} of {projection.n_variants} "
                "variants are in MLflow. Clear this task when training goes on: nothing is lost"
            )
        clock.sleep(patience.poll_seconds)


def keep_trying(
    step: Callable[[], Found], *, progress: Callable[[], int], outage_limit_seconds: float, clock: Clock
) -> Found:
    """Takes a step until MLflow answers all of it, with pauses that double.

    Args:
        step: goes on where it was left, and raises ServiceError where MLflow does not answer.
        progress: how much is done; when it has grown MLflow was there, and the outage counts anew.
        outage_limit_seconds: without an answer.
        clock: the time that passes here.

    Raises:
        ServiceError: MLflow did not answer for too long.
        TakenOverError: another process does this work now.
    """
    pause = FIRST_PAUSE_SECONDS
    n_before, out_since = progress(), clock.monotonic()
    while True:
        try:
            return step()
        except TakenOverError:
            raise
        except ServiceError as exc:
            now = clock.monotonic()
            if progress() > n_before:  # it answered in between
                n_before, out_since, pause = progress(), now, FIRST_PAUSE_SECONDS
            if now - out_since >= outage_limit_seconds:
                raise
            log.warning("%s. Trying again in %.0f s", exc, pause)
            clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
