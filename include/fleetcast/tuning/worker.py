"""A worker: asks for trials and runs them, one after the other, until the study's budget is spent."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fleetcast.errors import ConfigurationError, DataError, FleetcastError, ServiceError, TakenOverError
from fleetcast.tuning.client import StudyClient, new_token
from fleetcast.tuning.messages import Answer, Fail, LeasedTrial, Tell
from fleetcast.tuning.space import Params

RENEWALS_A_LEASE = 4  # so that one or two that fail do no harm
LONGEST_PAUSE_SECONDS = 20.0
HAND_BACK_SECONDS = 5.0  # somebody waits for the worker's end, and a lease runs out by itself


class PrunedError(FleetcastError):
    """The trial ends here: others have done better by this step."""


class RunningTrial:
    """What an objective gets.

    Attributes:
        params: the point to evaluate.
        number: of the trial.
        reports: what an earlier attempt has reported, by step.
    """

    def __init__(self, client: StudyClient, study: str, trial: LeasedTrial, *, token: str) -> None:
        self.params: Params = dict(trial.params)
        self.number = trial.number
        self.reports = dict(trial.reports)
        self._client = client
        self._study = study
        self._token = token
        self._lost = threading.Event()

    def report(self, step: int, value: float) -> None:
        """Stores a score on the way, such as one fold's.

        Raises:
            PrunedError: the trial is to end here.
            TakenOverError: the trial is another worker's now.
        """
        self.check_lease()
        if self._client.report(self._study, self.number, token=self._token, step=step, value=value):
            raise PrunedError(f"trial {self.number} is pruned at step {step}")

    def check_lease(self) -> None:
        """Raises TakenOverError when a renewal was refused; a long objective asks now and then."""
        if self._lost.is_set():
            raise TakenOverError(f"trial {self.number} of study {self._study} is another worker's now")

    @contextmanager
    def renewing(self, *, lease_seconds: float) -> Iterator[None]:
        """Renews the lease in a thread for as long as the block runs."""
        done = threading.Event()
        pause = min(lease_seconds / RENEWALS_A_LEASE, LONGEST_PAUSE_SECONDS)
        thread = threading.Thread(target=self._renew_until, args=(done, pause), name="renewals", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _renew_until(self, done: threading.Event, pause: float) -> None:
        while not done.wait(pause):
            try:
                self._client.renew(self._study, self.number, token=self._token, done=done)
            except ServiceError as exc:
                if isinstance(exc, TakenOverError):
                    self._lost.set()
                    return


def run_trials(
    client: StudyClient,
    study: str,
    objective: Callable[[RunningTrial], float],
    *,
    worker: str,
    waits: bool = True,
    deadline: float = math.inf,
) -> int:
    """Runs trials until the study is over; returns how many of them this worker has finished.

    A trial ends as failed when the objective finds its configuration or data unusable or gives no finite number; any
    other error, and an interruption, hands it to another worker at once. All of these errors go on to the caller.

    Args:
        client: the way to the service.
        study: its name; it was opened.
        objective: from a trial to its score.
        worker: who asks, for people who look at the study.
        waits: while other workers run the last trials, which may be put back; else it returns then.
        deadline: of `time.monotonic`; no trial begins after it.

    Raises:
        ConfigurationError: the service refuses the token or does not know the study.
        ServiceError: the service did not answer.
    """
    n_finished = 0
    while time.monotonic() < deadline:
        token, answer = new_token(), None
        try:
            answer = client.ask(study, worker=worker, token=token)
            if answer.trial is not None:
                n_finished += _run(client, study, objective, trial=answer.trial, token=token)
        except BaseException as exc:
            if answer is None and isinstance(exc, (ConfigurationError, ServiceError)):
                raise  # nothing was leased, or nobody answers
            again = not (isinstance(exc, FleetcastError) and exc.exit_code == 2)
            body = Fail(token=token, reason=f"{type(exc).__name__}: {exc}"[:1000], again=again)
            _hand_back(client, study, answer, worker=worker, body=body)
            raise
        if answer.trial is None:
            if answer.is_over or not waits:
                return n_finished
            time.sleep(answer.wait_seconds)
    return n_finished


def _run(
    client: StudyClient, study: str, objective: Callable[[RunningTrial], float], *, trial: LeasedTrial, token: str
) -> bool:
    running = RunningTrial(client, study, trial, token=token)
    try:
        try:
            with running.renewing(lease_seconds=trial.lease_seconds):
                value = objective(running)
                if not math.isfinite(value):
                    raise DataError(f"trial {trial.number} of study {study} has the score {value}: expected a number")
            client.tell(study, trial.number, Tell(token=token, state="complete", value=value))
        except PrunedError:
            client.tell(study, trial.number, Tell(token=token, state="pruned"))
    except TakenOverError:
        return False
    return True


def _hand_back(client: StudyClient, study: str, answer: Answer | None, *, worker: str, body: Fail) -> None:
    """Without an answer, which an interruption may have cut off, the question is put again: it has the same one."""
    try:
        with client.giving_up_after(HAND_BACK_SECONDS if body.again else math.inf):
            trial = (answer or client.ask(study, worker=worker, token=body.token)).trial
            if trial is not None:
                client.fail(study, trial.number, body)
    except FleetcastError:
        return  # the lease runs out by itself
