"""Runs the study service in this process until SIGTERM."""

import logging
import signal
import threading

import uvicorn

from fleetcast.errors import ServiceError
from fleetcast.tuning.database import open_storage
from fleetcast.tuning.service import make_app
from fleetcast.tuning.study_keeper import StudyKeeper

TICK_SECONDS = 1.0
GRACE_SECONDS = 10  # for requests under way when it is to end

log = logging.getLogger(__name__)


def serve_studies(database_url: str, *, token: str, host: str, port: int, lease_seconds: float) -> None:
    """Serves until SIGTERM or SIGINT; answers what is under way, and leaves nothing that a next one would miss.

    Raises:
        ConfigurationError: no URL of a Postgres database.
        ServiceError: the database does not answer at the start, or the address cannot be had.
    """
    keeper = StudyKeeper(open_storage(database_url), lease_seconds=lease_seconds)
    ending = threading.Event()
    ticker = threading.Thread(target=_tick_until, args=(ending, keeper), name="ticker")
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(keeper, token=token),
            host=host,
            port=port,
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    for stop_signal in (signal.SIGTERM, signal.SIGINT):  # the server catches it, ends, and raises it again for us
        signal.signal(stop_signal, lambda *_: None)
    ticker.start()
    log.info("study service at http://%s:%d, a lease lasts %g s", host, port, lease_seconds)
    try:
        server.run()
    finally:
        ending.set()
        ticker.join()
        keeper.close()
    if not server.started:
        raise ServiceError(f"cannot serve at {host}:{port}: the reason stands above")


def _tick_until(ending: threading.Event, keeper: StudyKeeper) -> None:
    said = ""
    while not ending.is_set():
        try:
            keeper.tick()
            said = ""
        except ServiceError as exc:
            if str(exc) != said:
                log.warning("%s", exc)
            said = str(exc)
        except Exception:
            log.exception("an unexpected error; the next tick tries again")
        ending.wait(TICK_SECONDS)
