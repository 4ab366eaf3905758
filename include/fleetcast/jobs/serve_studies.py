"""serve-studies: the one process that talks to the study database, on behalf of all workers."""

from fleetcast.job_args.tuning import ServeStudies
from fleetcast.settings import StudySettings
from fleetcast.tuning.server import serve_studies


def run(args: ServeStudies) -> None:
    """Serves until SIGTERM.

    Raises:
        ConfigurationError: ``FLEETCAST_STUDIES_DATABASE_URL`` or ``FLEETCAST_STUDIES_TOKEN`` is missing or unusable.
        ServiceError: the address cannot be had.
    """
    settings = StudySettings()
    serve_studies(
        settings.require("database_url"),
        token=settings.require("token"),
        host=args.host,
        port=args.port,
        lease_seconds=args.lease_seconds,
    )
