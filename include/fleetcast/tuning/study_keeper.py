"""All studies of one database: opens them, loads them when they are asked for, and ends overdue leases."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from optuna.exceptions import DuplicatedStudyError
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from pydantic import ValidationError

from fleetcast.errors import ConfigurationError, ServiceError
from fleetcast.tuning.database import database_errors
from fleetcast.tuning.kept_study import KeptStudy
from fleetcast.tuning.leases import LeaseTable
from fleetcast.tuning.messages import OpenStudy, StudySpec, StudyState, StudyTrials
from fleetcast.tuning.trial_rows import TrialRows, describe_trial
from fleetcast.tuning.writer import Writer

SPEC, BUDGET = "fleetcast_spec", "fleetcast_n_trials"  # a study's attributes
# What a lease has left at least when a service starts or its database is back. Workers ask again every 3 s at the
# latest, so each that lives renews in time; and a dead one's trial runs again no later than this after its lease's end.
GRACE_SECONDS = 8.0

log = logging.getLogger(__name__)


class UnknownStudyError(ConfigurationError):
    """No study of that name was opened."""


class StudyKeeper:
    """The one writer of a study database.

    Args:
        storage: Optuna's, with the pool of connections.
        lease_seconds: how long a worker may be silent.
        clock: seconds that only grow.
    """

    def __init__(
        self, storage: RDBStorage, *, lease_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._storage = storage
        self._table = LeaseTable(storage.engine, lease_seconds=lease_seconds)
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._studies: dict[str, KeptStudy] = {}
        self._writer: Writer | None = None
        self._stored: dict[tuple[str, int], float] = {}  # the deadlines that the database knows of
        self.is_serving = False

    def tick(self) -> None:
        """To be called every second: stores renewals, ends overdue leases, takes a lost database up again.

        Raises:
            ServiceError: the database does not answer, or another service has it; the next tick tries again.
        """
        if not self.is_serving:
            self._start_serving()
        try:
            self._store_renewals()
        except ServiceError:
            self._stop_serving()
            raise
        for study in self._all():
            if not study.is_stale:
                study.end_overdue_leases()

    def close(self) -> None:
        """Stores the last renewals and lets another service take over."""
        try:
            if self.is_serving:
                self._store_renewals()
        except ServiceError as exc:
            log.warning("the last second's renewals are not stored: %s", exc)
        finally:
            self._stop_serving()
            self._storage.engine.dispose()

    def open(self, request: OpenStudy) -> StudyState:
        """Makes the study, or enlarges its budget, and says how far it is.

        Raises:
            ConfigurationError: the budget exceeds the space's points, or a start lies outside the space.
            ServiceError: the database does not answer.
        """
        spec = request.spec
        n_points = spec.space.n_points
        if n_points is not None and request.n_trials > n_points:
            raise ConfigurationError(
                f"a budget of {request.n_trials} trials exceeds the space's {n_points} points: lower it, or take a "
                "larger space"
            )
        if len(request.starts) > request.n_trials:
            raise ConfigurationError(f"{len(request.starts)} starts exceed the budget of {request.n_trials} trials")
        for params in request.starts:
            spec.space.check_holds(params)
        with self._lock:
            self._create(spec)
            study = self._load(spec.name)
            study.add_starts(request.starts)
            if request.n_trials > study.n_trials:
                with database_errors():
                    study_id = self._storage.get_study_id_from_name(spec.name)
                    self._storage.set_study_user_attr(study_id, BUDGET, request.n_trials)
                study.n_trials = request.n_trials
        return study.state()

    def study(self, name: str) -> KeptStudy:
        """A study that was opened.

        Raises:
            UnknownStudyError: it was not.
            ServiceError: the database does not answer.
        """
        known = self._studies.get(name)
        if known is not None and not known.is_stale and self.is_serving:
            return known
        with self._lock:
            return self._load(name)

    def trials(self, name: str) -> StudyTrials:
        """A study's trials as the database has them, reasons and instants included.

        Raises:
            UnknownStudyError: it was not opened.
            ServiceError: the database does not answer.
        """
        study = self.study(name)
        with database_errors():
            study_id = self._storage.get_study_id_from_name(name)
            stored = self._storage.get_all_trials(study_id, deepcopy=False)
        return StudyTrials(spec=study.spec, n_trials=study.n_trials, trials=tuple(map(describe_trial, stored)))

    def _create(self, spec: StudySpec) -> None:
        self._check_serving()
        direction = StudyDirection.MAXIMIZE if spec.direction == "maximize" else StudyDirection.MINIMIZE
        with database_errors():
            with suppress(DuplicatedStudyError):
                self._storage.create_new_study([direction], spec.name)
            study_id = self._storage.get_study_id_from_name(spec.name)
            if SPEC not in self._storage.get_study_user_attrs(study_id):  # new, or its making was interrupted
                rows = self._rows(study_id, spec.name, trials=())
                rows.forget_leases()
                rows.wait()
                self._storage.set_study_user_attr(study_id, SPEC, spec.model_dump(mode="json"))
                self._studies.pop(spec.name, None)

    def _load(self, name: str) -> KeptStudy:
        self._check_serving()
        known = self._studies.get(name)
        if known is not None and not known.is_stale:
            return known
        with database_errors():
            try:
                study_id = self._storage.get_study_id_from_name(name)
            except KeyError:
                raise UnknownStudyError(
                    f"unknown study {name!r}: open it first. Where its stage was planned with a database that is gone, "
                    "delete the stage's plan in the store and run the stage again."
                ) from None
            attributes = self._storage.get_study_user_attrs(study_id)
            trials = self._storage.get_all_trials(study_id, deepcopy=False)
        study = KeptStudy(
            _spec_of(name, attributes),
            int(attributes.get(BUDGET, 0)),
            trials=trials,
            leases=self._table.read(name, now=self._clock(), grace_seconds=GRACE_SECONDS),
            rows=self._rows(study_id, name, trials=trials),
            lease_seconds=self._lease_seconds,
            clock=self._clock,
        )
        study.put_back_unleased()
        self._studies[name] = study
        return study

    def _rows(self, study_id: int, name: str, *, trials: Sequence[FrozenTrial]) -> TrialRows:
        return TrialRows(
            self._require_writer(),
            study_id=study_id,
            study_name=name,
            ids={trial.number: trial._trial_id for trial in trials},
            lease_seconds=self._lease_seconds,
        )

    def _start_serving(self) -> None:
        self._writer = Writer.take(self._storage.engine)
        if self._writer is None:
            raise ServiceError("another study service has this database: waiting until it ends")
        try:
            names = self._table.studies_with_open_leases()
            with self._lock:
                self.is_serving = True
                for name in names:
                    self._load_unless_broken(name)
        except ServiceError:
            self._stop_serving()
            raise
        log.info("serving studies; %d have trials that run", len(names))

    def _load_unless_broken(self, name: str) -> None:
        try:
            self._load(name)
        except ConfigurationError as exc:
            log.warning("left alone: %s", exc)

    def _stop_serving(self) -> None:
        with self._lock:
            self.is_serving = False
            for study in self._studies.values():
                study.is_stale = True
            self._studies.clear()
            self._stored.clear()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _check_serving(self) -> None:
        if not self.is_serving:
            raise ServiceError("the study service is starting, or waits for its database: ask again")

    def _require_writer(self) -> Writer:
        if self._writer is None:
            raise ServiceError("the study service is starting, or waits for its database: ask again")
        return self._writer

    def _store_renewals(self) -> None:
        now = {
            (study.spec.name, number): deadline
            for study in self._all()
            for number, deadline in study.open_leases().items()
        }
        renewed = [key for key, deadline in now.items() if self._stored.get(key) != deadline]
        self._require_writer().submit(self._table.renewal(renewed)).result()
        self._stored = now

    def _all(self) -> list[KeptStudy]:
        with self._lock:
            return list(self._studies.values())


def _spec_of(name: str, attributes: dict[str, object]) -> StudySpec:
    """What the study was opened with; refused when it does not make this name, for it was changed since."""
    try:
        spec = StudySpec.model_validate(attributes.get(SPEC))
    except ValidationError:
        raise UnknownStudyError(f"study {name!r} is not one of ours: it has no readable {SPEC}") from None
    if spec.name != name:
        raise ConfigurationError(
            f"study {name!r} was made for another space, data or stage than its attribute {SPEC} says now (that would "
            f"be {spec.name!r}): open a study for it"
        )
    return spec
