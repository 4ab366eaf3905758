"""What a worker says to the study service: retried while the service or its database restarts."""

import random
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import BaseModel

from fleetcast.errors import ConfigurationError, FleetcastError, ServiceError, TakenOverError
from fleetcast.tuning.messages import (
    Answer,
    Ask,
    Fail,
    OpenStudy,
    Renew,
    Report,
    StudyState,
    StudyTrials,
    Tell,
    Verdict,
)

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 3.0  # the service gives a worker 8 s to come back to it
AGAIN = frozenset((429, 500, 502, 503, 504))
ERRORS: dict[int, type[FleetcastError]] = {409: TakenOverError}


class StudyClient:
    """One worker's way to the service; its threads may share it.

    Every call raises ConfigurationError for what a repetition cannot mend (a wrong token, an unknown study, a bad
    body), TakenOverError when the trial is another worker's now, and ServiceError when nothing answered for so long.

    Args:
        url: such as ``http://fleetcast-studies:8090``.
        token: the service's.
        outage_limit_seconds: how long a call is repeated while nothing answers.
    """

    def __init__(self, url: str, *, token: str, outage_limit_seconds: float = 300.0) -> None:
        self._outage_limit_seconds = outage_limit_seconds
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(60.0, connect=5.0),
            verify=url.startswith("https"),  # else it would read all authorities' certificates for nothing, 0.1 s
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._http.close()

    @contextmanager
    def giving_up_after(self, seconds: float) -> Iterator[None]:
        """Within it a call is repeated for so long at most."""
        before = self._outage_limit_seconds
        self._outage_limit_seconds = min(before, seconds)
        try:
            yield
        finally:
            self._outage_limit_seconds = before

    def open(self, request: OpenStudy) -> StudyState:
        """Makes the study or enlarges its budget."""
        return StudyState.model_validate_json(self._call("PUT", f"/studies/{request.spec.name}", request))

    def look(self, study: str) -> StudyState:
        """How far the study is."""
        return StudyState.model_validate_json(self._call("GET", f"/studies/{study}", None))

    def trials(self, study: str) -> StudyTrials:
        """All of its trials, as the database has them."""
        return StudyTrials.model_validate_json(self._call("GET", f"/studies/{study}/trials", None))

    def ask(self, study: str, *, worker: str, token: str) -> Answer:
        """A trial under the token from `new_token`; a repetition of the call gets the same trial."""
        return Answer.model_validate_json(
            self._call("POST", f"/studies/{study}/ask", Ask(worker=worker[:200], token=token))
        )

    def renew(self, study: str, number: int, *, token: str, done: threading.Event) -> None:
        """Says that the worker lives; is not repeated any more once it is done."""
        self._call("POST", f"/studies/{study}/trials/{number}/renew", Renew(token=token), done=done)

    def report(self, study: str, number: int, *, token: str, step: int, value: float) -> bool:
        """Stores a score on the way; returns whether the trial is to end here."""
        body = Report(token=token, step=step, value=value)
        return Verdict.model_validate_json(self._call("POST", f"/studies/{study}/trials/{number}/report", body)).prune

    def tell(self, study: str, number: int, body: Tell) -> None:
        """Ends a trial with its value."""
        self._call("POST", f"/studies/{study}/trials/{number}/tell", body)

    def fail(self, study: str, number: int, body: Fail) -> None:
        """Ends a trial without one, or lets another worker have it."""
        self._call("POST", f"/studies/{study}/trials/{number}/fail", body)

    def _call(self, method: str, path: str, body: BaseModel | None, *, done: threading.Event | None = None) -> bytes:
        content = None if body is None else body.model_dump_json()
        headers = {"Content-Type": "application/json"}
        deadline = time.monotonic() + self._outage_limit_seconds
        pause, done = FIRST_PAUSE_SECONDS, done or threading.Event()
        while True:
            failure = "nothing"
            try:
                response = self._http.request(method, path, content=content, headers=headers)
            except httpx.UnsupportedProtocol:
                raise ConfigurationError(
                    f"FLEETCAST_STUDIES_URL is {str(self._http.base_url)!r}: expected an address such as "
                    "http://127.0.0.1:8090"
                ) from None
            except httpx.TransportError as exc:
                failure = f"{type(exc).__name__}: {exc}"
            else:
                if response.is_success:
                    return response.content
                failure = f"{response.status_code}: {_detail(response)}"
                if response.status_code not in AGAIN:
                    raise ERRORS.get(response.status_code, ConfigurationError)(f"study service: {_detail(response)}")
            if time.monotonic() + pause > deadline or done.is_set():
                raise ServiceError(
                    f"the study service at {self._http.base_url} did not answer for "
                    f"{self._outage_limit_seconds:g} s; the last answer was {failure}"
                )
            done.wait(pause * random.uniform(0.5, 1.0))  # so that workers do not come back all at once
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def new_token() -> str:
    """Names one question for a trial, and the lease that answers it."""
    return uuid.uuid4().hex


def _detail(response: httpx.Response) -> str:
    try:
        content: Any = response.json()
    except ValueError:
        content = None
    return str(content["detail"]) if isinstance(content, dict) and "detail" in content else response.text[:200]
