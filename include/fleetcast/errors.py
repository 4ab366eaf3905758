"""Every error that Fleetcast raises on purpose, and the exit code that a job ends with.

FleetcastError (1: a retry may help)
├── ConfigurationError, a ValueError (2: a retry cannot help)
├── DataError, a ValueError (2)
│   ├── LookAheadError: something reached beyond what it may know
│   └── UnscorableError: too few rows to fit or score a variant on; others are not concerned
├── StoreError (1): the object store did not answer or did not hold what was expected
│   └── StoreUnwritableError (2): no permission, read-only or full
├── ServiceError (1): MLflow, Postgres or Airflow did not answer
│   ├── TakenOverError: another process does this work now
│   └── RunEndedError (2): what was waited for can no longer come
├── VariantError (1): a variant's process died more often than it may be restarted
└── TrialsError (1): processes that run trials ended before their studies were over
"""


class FleetcastError(Exception):
    """Root of the tree; the message says what and where, expected against got, and what to do."""

    exit_code = 1


class ConfigurationError(FleetcastError, ValueError):
    """A wrong argument, parameter or environment."""

    exit_code = 2


class DataError(FleetcastError, ValueError):
    """Bars, labels or features that cannot be used as they are."""

    exit_code = 2


class LookAheadError(DataError):
    """A computation would have used something that was not known at its cutoff."""


class UnscorableError(DataError):
    """A variant has too few rows, or classes, in its folds to be fitted or scored on them."""


class StoreError(FleetcastError):
    """The object store failed, or an object is missing or does not match its digest."""


class StoreUnwritableError(StoreError):
    """The object store refuses writes: no permission, read-only or full."""

    exit_code = 2


class ServiceError(FleetcastError):
    """A service that the job needs did not answer."""


class TakenOverError(ServiceError):
    """Another process does the same work now; this one ends so that nothing is done twice."""


class RunEndedError(ServiceError):
    """The run that a job follows is over without what the job waits for."""

    exit_code = 2


class TrialsError(FleetcastError):
    """Studies are not over: processes failed or were stopped; a retry of the job goes on with what is left."""


class VariantError(FleetcastError):
    """Variants failed after their restarts; a retry of the job trains only these."""
