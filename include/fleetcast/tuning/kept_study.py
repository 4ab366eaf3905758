"""One study as the service keeps it: all of it in memory for the sampler, every step in the database before it counts.

The copy in memory is Optuna's own in-memory storage. A step that the database did not confirm makes the copy stale: it
is thrown away and read again, so the database alone decides what has happened.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import optuna
from optuna.storages import InMemoryStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from fleetcast.errors import ConfigurationError, ServiceError, TakenOverError
from fleetcast.tuning.leases import Lease
from fleetcast.tuning.messages import Answer, LeasedTrial, StudySpec, StudyState
from fleetcast.tuning.sampling import DistinctSampler, distributions_of, has_ended, make_pruner
from fleetcast.tuning.space import Params
from fleetcast.tuning.trial_rows import TrialRows

MAX_RERUNS = 3
WAIT_SECONDS = 1.0  # between two questions of a worker that could only take over another one's trial


class KeptStudy:
    """Asks, renews, reports, tells and fails, one caller at a time.

    Args:
        spec: what the study is.
        n_trials: its budget; trials beyond it are never made.
        trials: those that the database holds, in the order of their numbers.
        leases: those that the database holds, by trial.
        rows: where steps are written.
        lease_seconds: how long a lease lasts without being renewed.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        spec: StudySpec,
        n_trials: int,
        *,
        trials: Sequence[FrozenTrial],
        leases: dict[int, Lease],
        rows: TrialRows,
        lease_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self.spec = spec
        self.n_trials = n_trials
        self.is_stale = False
        self._rows = rows
        self._leases = leases
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._distributions = distributions_of(spec.space)
        self._memory, self._study = _copy_in_memory(spec, trials)

    def ask(self, *, worker: str, token: str) -> Answer:
        """A trial that waits to be run again, else a new one within the budget, else what is left to wait for."""
        with self._one_at_a_time():
            lease = next((held for held in self._leases.values() if held.is_open and held.token == token), None)
            if lease is None:
                lease = self._lease_waiting(worker, token) or self._lease_new(worker, token)
            if lease is not None:
                return Answer(trial=self._describe(lease))
            is_over = all(has_ended(trial) for trial in self._trials())
            return Answer(is_over=is_over, wait_seconds=0.0 if is_over else min(WAIT_SECONDS, self._lease_seconds / 2))

    def renew(self, number: int, *, token: str) -> None:
        """Lets the lease last from now on; the database hears of it within a second. Raises TakenOverError."""
        with self._one_at_a_time():
            self._leased(number, token).deadline = self._clock() + self._lease_seconds

    def report(self, number: int, *, token: str, step: int, value: float) -> bool:
        """Stores a score on the way; returns whether the pruner would end the trial here. Raises TakenOverError."""
        with self._one_at_a_time():
            self._leased(number, token).deadline = self._clock() + self._lease_seconds
            self._rows.report(number, step=step, value=value)
            self._memory.set_trial_intermediate_value(self._in_memory(number), step, value)
            return self._study.pruner.prune(self._study, self._memory.get_trial(self._in_memory(number)))

    def tell(self, number: int, *, token: str, state: TrialState, value: float | None) -> None:
        """Ends the trial with a value. The same answer again is taken for a repetition. Raises TakenOverError."""
        with self._one_at_a_time():
            if self._has_told(number, token):
                return
            self._leased(number, token)
            self._finish(number, state=state, value=self._last_report(number) if value is None else value)

    def fail(self, number: int, *, token: str, reason: str, again: bool) -> None:
        """Ends the trial without a value, or lets it run again. Raises TakenOverError."""
        with self._one_at_a_time():
            if self._has_told(number, token):
                return
            lease = self._leased(number, token)
            if again:
                self._put_back(lease, reason)
            else:
                self._finish(number, state=TrialState.FAIL, reason=reason)

    def end_overdue_leases(self) -> None:
        """Puts back every trial whose worker has not renewed its lease in time."""
        with self._one_at_a_time():
            now = self._clock()
            for lease in [held for held in self._leases.values() if held.is_open and held.deadline < now]:
                self._put_back(lease, f"worker {lease.worker} did not renew its lease for {self._lease_seconds:g} s")

    def put_back_unleased(self) -> None:
        """Puts back running trials that nobody has a lease of: only other programs leave such ones."""
        with self._one_at_a_time():
            for trial in self._trials():
                lease = self._leases.get(trial.number)
                if trial.state == TrialState.RUNNING and (lease is None or not lease.is_open):
                    self._rows.put_back(trial.number, reason="it ran without a lease")
                    self._memory.set_trial_state_values(trial._trial_id, TrialState.WAITING)

    def add_starts(self, starts: Sequence[Params]) -> None:
        """Makes points wait that are to run first; of a study without trials alone."""
        with self._one_at_a_time():
            for params in [] if self._trials() else starts:
                self._add_waiting(params)

    def open_leases(self) -> dict[int, float]:
        """The trials that run, and until when each lease lasts."""
        with self._lock:
            return {number: lease.deadline for number, lease in self._leases.items() if lease.is_open}

    def state(self) -> StudyState:
        """How far the study is."""
        with self._one_at_a_time():
            counts = Counter(trial.state for trial in self._trials())
        return StudyState(
            name=self.spec.name,
            n_trials=self.n_trials,
            n_complete=counts[TrialState.COMPLETE],
            n_pruned=counts[TrialState.PRUNED],
            n_failed=counts[TrialState.FAIL],
            n_running=counts[TrialState.RUNNING],
            n_waiting=counts[TrialState.WAITING],
        )

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        with self._lock:
            if self.is_stale:
                raise ServiceError(f"study {self.spec.name} is being read from the database again: ask again")
            try:
                yield
            except (ConfigurationError, TakenOverError):
                raise
            except BaseException:
                self.is_stale = True
                raise
        try:
            self._rows.wait()  # others may go on meanwhile: one commit serves all who wait here
        except ServiceError:
            self.is_stale = True
            raise

    def _lease_waiting(self, worker: str, token: str) -> Lease | None:
        number = next((trial.number for trial in self._trials() if trial.state == TrialState.WAITING), None)
        if number is None:
            return None
        before = self._leases.get(number)
        lease = self._new_lease(number, worker, token, attempt=before.attempt + 1 if before else 1)
        self._rows.run_again(lease)
        self._memory.set_trial_state_values(self._in_memory(number), TrialState.RUNNING)
        self._leases[number] = lease
        return lease

    def _lease_new(self, worker: str, token: str) -> Lease | None:
        number = len(self._trials())
        if number >= self.n_trials:
            return None
        params = dict(self._study.ask(self._distributions).params)
        lease = self._new_lease(number, worker, token, attempt=1)
        self._rows.create(number, params, distributions=self._distributions, lease=lease)
        self._leases[number] = lease
        return lease

    def _new_lease(self, number: int, worker: str, token: str, *, attempt: int) -> Lease:
        return Lease(number, token, worker, attempt=attempt, deadline=self._clock() + self._lease_seconds)

    def _add_waiting(self, params: Params) -> None:
        number = len(self._trials())
        self._rows.create(number, params, distributions=self._distributions, lease=None)
        waiting = create_trial(state=TrialState.WAITING, params=params, distributions=self._distributions)
        self._memory.create_new_trial(self._study._study_id, waiting)

    def _put_back(self, lease: Lease, reason: str) -> None:
        number = lease.number
        if lease.attempt > MAX_RERUNS:
            self._finish(number, state=TrialState.FAIL, reason=f"given up after {lease.attempt} attempts: {reason}")
            return
        self._rows.put_back(number, reason=reason)
        self._memory.set_trial_state_values(self._in_memory(number), TrialState.WAITING)
        lease.is_open = False

    def _finish(self, number: int, *, state: TrialState, value: float | None = None, reason: str | None = None) -> None:
        self._rows.finish(number, state=state, value=value, reason=reason)
        values = None if value is None else [value]
        self._memory.set_trial_state_values(self._in_memory(number), state, values)
        self._leases[number].is_open = False

    def _leased(self, number: int, token: str) -> Lease:
        """The worker's lease; one that ran out is taken up again while nobody else has got the trial."""
        lease = self._leases.get(number)
        if lease is None or lease.token != token or has_ended(self._trials()[number]):
            raise TakenOverError(
                f"trial {number} of study {self.spec.name} is not this worker's any more: its lease was not renewed in "
                "time, and the trial is another worker's or finished. Drop its result and ask for another trial."
            )
        if not lease.is_open:
            self._rows.run_again(lease)
            self._memory.set_trial_state_values(self._in_memory(number), TrialState.RUNNING)
            lease.is_open = True
        return lease

    def _has_told(self, number: int, token: str) -> bool:
        lease = self._leases.get(number)
        return lease is not None and lease.token == token and has_ended(self._trials()[number])

    def _last_report(self, number: int) -> float | None:
        trial = self._trials()[number]
        return None if trial.last_step is None else trial.intermediate_values[trial.last_step]

    def _describe(self, lease: Lease) -> LeasedTrial:
        trial = self._trials()[lease.number]
        return LeasedTrial(
            number=lease.number,
            params=trial.params,
            attempt=lease.attempt,
            lease_seconds=self._lease_seconds,
            reports=trial.intermediate_values,
        )

    def _trials(self) -> list[FrozenTrial]:
        return self._memory.get_all_trials(self._study._study_id, deepcopy=False)

    def _in_memory(self, number: int) -> int:
        return self._trials()[number]._trial_id


def _copy_in_memory(spec: StudySpec, trials: Sequence[FrozenTrial]) -> tuple[InMemoryStorage, Study]:
    memory = InMemoryStorage()
    study = optuna.create_study(
        storage=memory,
        study_name=spec.name,
        direction=spec.direction,
        sampler=DistinctSampler(spec.space, seed=spec.seed),
        pruner=make_pruner(spec.pruner),
    )
    for trial in trials:
        memory.create_new_trial(study._study_id, trial)
    return memory, study
