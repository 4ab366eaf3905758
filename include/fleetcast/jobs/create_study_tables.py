"""create-study-tables: Optuna's tables and ours, made once; running it again changes nothing."""

from fleetcast.job_args.tuning import CreateStudyTables
from fleetcast.settings import StudySettings
from fleetcast.tuning.database import create_tables


def run(_: CreateStudyTables) -> None:
    """Makes the tables.

    Raises:
        ConfigurationError: ``FLEETCAST_STUDIES_DATABASE_URL`` is not set or names no Postgres database.
        ServiceError: the database does not answer.
    """
    create_tables(StudySettings().require("database_url"))
