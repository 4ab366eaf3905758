"""The study database: Optuna's tables with one of ours beside them, and the one pool of connections to it."""

from collections.abc import Iterator
from contextlib import contextmanager

import optuna
import sqlalchemy as sa
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from fleetcast.errors import ConfigurationError, ServiceError

POOL_SIZE = 8  # connections in all: one holds the service's lock, the others serve requests
CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30
# A node that vanishes says no goodbye: without these its lock, or a request to it, would live for hours.
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
OF_SERVER = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
ONE_AT_A_TIME = 0x666C656574  # the key of the advisory lock that tables are made under

METADATA = sa.MetaData()

# One row a trial that was ever handed out, open while a worker has it. It stands beside Optuna's tables and not in its
# attributes: all renewals of a second are then one statement, where each attribute would be a transaction of its own.
LEASES = sa.Table(
    "fleetcast_leases",
    METADATA,
    sa.Column("study_name", sa.String(80), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("token", sa.String(32), nullable=False),
    sa.Column("worker", sa.String(200), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("is_open", sa.Boolean, nullable=False),
)
sa.Index("fleetcast_leases_open", LEASES.c.study_name, postgresql_where=LEASES.c.is_open)


@contextmanager
def database_errors() -> Iterator[None]:
    """Turns what Optuna and SQLAlchemy say of a database that does not answer into a ServiceError."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as exc:
        cause = exc.__cause__ if isinstance(exc, StorageInternalError) and exc.__cause__ else exc
        reason = str(getattr(cause, "orig", None) or cause).strip().partition("\n")[0]
        raise ServiceError(f"the study database did not answer as expected: {reason}") from exc


def create_tables(url: str) -> None:
    """Makes Optuna's tables and ours where they are missing; two that run at once wait for each other.

    Raises:
        ConfigurationError: no URL of a Postgres database.
        ServiceError: the database does not answer.
    """
    quiet()
    engine = make_engine(url)
    try:
        with database_errors(), engine.connect() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_lock(ONE_AT_A_TIME)))
            METADATA.create_all(connection)
            connection.commit()
            RDBStorage(url, engine_kwargs={"poolclass": sa.NullPool})
    finally:
        engine.dispose()


def open_storage(url: str) -> RDBStorage:
    """Optuna's storage on a pool of `POOL_SIZE` connections, for tables that are there already.

    Raises:
        ConfigurationError: no URL of a Postgres database.
        ServiceError: the database does not answer.
    """
    quiet()
    make_engine(url).dispose()
    with database_errors():
        return RDBStorage(
            url,
            engine_kwargs={
                "pool_size": POOL_SIZE,
                "max_overflow": 0,
                "pool_pre_ping": True,  # a restarted Postgres costs no request
                "pool_timeout": STATEMENT_SECONDS,
                "connect_args": {
                    "connect_timeout": CONNECT_SECONDS,
                    "application_name": "fleetcast-studies",
                    "options": f"-c statement_timeout={STATEMENT_SECONDS * 1000} {OF_SERVER}",
                    **KEEPALIVES,
                },
            },
            skip_compatibility_check=True,
            skip_table_creation=True,
        )


def make_engine(url: str) -> sa.Engine:
    """An engine without a pool. Raises ConfigurationError when the URL is not Postgres's; the URL holds a password."""
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise ConfigurationError("FLEETCAST_STUDIES_DATABASE_URL is no URL of a database") from None
    if parsed.get_backend_name() != "postgresql":
        raise ConfigurationError(
            f"FLEETCAST_STUDIES_DATABASE_URL names {parsed.get_backend_name()!r}: expected postgresql+psycopg2://..."
        )
    return sa.create_engine(parsed, poolclass=sa.NullPool, connect_args={"connect_timeout": CONNECT_SECONDS})


def quiet() -> None:
    """Optuna logs to stderr by itself, a line a study; what is worth a line is logged here."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
