"""Leases as the database keeps them, so that a restarted service knows who has which trial."""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from fleetcast.tuning.database import LEASES, database_errors

Key = tuple[str, int]  # a study's name and a trial's number
SERVICE_LOCK = 0x666C656575  # whoever holds this advisory lock is the one service of this database


@dataclass
class Lease:
    """One trial's worker.

    Attributes:
        attempt: 1 for the first.
        deadline: in seconds of the service's own clock; the lease ends there unless it is renewed.
        is_open: whether the trial runs; a closed one tells whose answer counted.
    """

    number: int
    token: str
    worker: str
    attempt: int
    deadline: float
    is_open: bool = True


class LeaseTable:
    """The table of leases, and the lock that lets one service alone write to it.

    Args:
        engine: its pool also gives the connection that holds the lock.
        lease_seconds: how long a lease lasts without being renewed.
    """

    def __init__(self, engine: sa.Engine, *, lease_seconds: float) -> None:
        self.lease_seconds = lease_seconds
        self._engine = engine
        self._lock: sa.Connection | None = None

    def take_lock(self) -> bool:
        """Makes this process the one service; False when another one is.

        Raises:
            ServiceError: the database does not answer.
        """
        with database_errors():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if connection.scalar(sa.select(sa.func.pg_try_advisory_lock(SERVICE_LOCK))):
                self._lock = connection
                return True
            connection.close()
            return False

    def let_go(self) -> None:
        """Ends being the one service."""
        if self._lock is not None:
            self._lock.invalidate()  # closes the connection, and with it the lock
            self._lock.close()
            self._lock = None

    def renew(self, keys: Iterable[Key]) -> None:
        """Stores that these leases were renewed, in one statement on the connection that holds the lock.

        Raises:
            ServiceError: the lock is lost.
        """
        renewed = sorted(keys)
        expires_at = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, self.lease_seconds)
        with database_errors():
            if self._lock is None:
                raise sa.exc.InvalidRequestError("another service has taken over")
            self._lock.execute(sa.select(1))
            if renewed:
                among = sa.tuple_(LEASES.c.study_name, LEASES.c.number).in_(renewed)
                self._lock.execute(sa.update(LEASES).where(among).values(expires_at=expires_at))

    def read(self, study_name: str, *, now: float, grace_seconds: float) -> dict[int, Lease]:
        """The leases of a study by trial; each lasts ``grace_seconds`` more at least, for nobody could renew meanwhile.

        Seconds are told by the database's clock, so the machines' need not agree.
        """
        left = sa.extract("epoch", LEASES.c.expires_at - sa.func.now()).label("seconds_left")
        columns = (LEASES.c.number, LEASES.c.token, LEASES.c.worker, LEASES.c.attempt, LEASES.c.is_open, left)
        with database_errors(), self._engine.connect() as connection:
            rows = connection.execute(sa.select(*columns).where(LEASES.c.study_name == study_name)).all()
        return {
            row.number: Lease(
                number=row.number,
                token=row.token,
                worker=row.worker,
                attempt=row.attempt,
                deadline=now + max(float(row.seconds_left), grace_seconds),
                is_open=row.is_open,
            )
            for row in rows
        }

    def studies_with_open_leases(self) -> list[str]:
        """Whose workers may have died while no service ran."""
        with database_errors(), self._engine.connect() as connection:
            return list(connection.scalars(sa.select(LEASES.c.study_name).where(LEASES.c.is_open).distinct()))
