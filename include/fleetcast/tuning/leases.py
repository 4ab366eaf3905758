"""Leases as the database keeps them, so that a restarted service knows who has which trial."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from fleetcast.tuning.database import LEASES, database_errors

Key = tuple[str, int]  # a study's name and a trial's number


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
    """The table of leases.

    Args:
        engine: of the study database.
        lease_seconds: how long a lease lasts without being renewed.
    """

    def __init__(self, engine: sa.Engine, *, lease_seconds: float) -> None:
        self._engine = engine
        self._lease_seconds = lease_seconds

    def renewal(self, keys: Iterable[Key]) -> Callable[[sa.Connection], None]:
        """What stores that these leases were renewed, in one statement; without any, it asks whether all is well."""
        renewed = sorted(keys)
        expires_at = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, self._lease_seconds)

        def write(connection: sa.Connection) -> None:
            if renewed:
                among = sa.tuple_(LEASES.c.study_name, LEASES.c.number).in_(renewed)
                connection.execute(sa.update(LEASES).where(among).values(expires_at=expires_at))
            else:
                connection.execute(sa.select(1))

        return write

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
