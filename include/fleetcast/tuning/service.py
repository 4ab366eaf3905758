"""The study service over HTTP: a token on every request, validated bodies, errors in one line."""

import hmac
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Annotated, Any

from fastapi import FastAPI, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from optuna.trial import TrialState

from fleetcast.errors import ConfigurationError, FleetcastError, TakenOverError
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
from fleetcast.tuning.study_keeper import StudyKeeper, UnknownStudyError

MAX_BODY_BYTES = 1_000_000
BAD_REQUEST, WRONG_TOKEN, UNKNOWN, TAKEN_OVER, TOO_LARGE, NOT_NOW = 422, 401, 404, 409, 413, 503

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]
Name = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,80}$")]
Number = Annotated[int, Path(ge=0)]

log = logging.getLogger(__name__)


class TokenGate:
    """Lets requests with the token through, before anything of them is read; ``/health`` needs none."""

    def __init__(self, app: App, *, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """ASGI."""
        refusal = self._refusal(scope) if scope["type"] == "http" and scope["path"] != "/health" else None
        await (self._app if refusal is None else refusal)(scope, receive, send)

    def _refusal(self, scope: Message) -> JSONResponse | None:
        headers = dict(scope["headers"])
        if not hmac.compare_digest(headers.get(b"authorization", b""), self._expected):
            return _refuse(WRONG_TOKEN, "wrong token: FLEETCAST_STUDIES_TOKEN must be the study service's own")
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES or b"transfer-encoding" in headers:
            return _refuse(TOO_LARGE, f"the body must have a length of at most {MAX_BODY_BYTES} bytes")
        return None


def make_app(keeper: StudyKeeper, *, token: str) -> App:
    """The application. Its functions run in a pool of threads; each study admits one of them at a time."""
    app = FastAPI(openapi_url=None)
    app.add_exception_handler(FleetcastError, _say_error)
    app.add_exception_handler(RequestValidationError, _say_invalid)

    @app.get("/health")
    def health() -> JSONResponse:
        return JSONResponse({"serving": keeper.is_serving}, status_code=200 if keeper.is_serving else NOT_NOW)

    @app.put("/studies/{name}")
    def open_study(name: Name, body: OpenStudy) -> StudyState:
        if name != body.spec.name:
            raise ConfigurationError(
                f"study {name!r} is not the study of this space, data and stage, which is {body.spec.name!r}: its "
                "space or data has changed"
            )
        return keeper.open(body)

    @app.get("/studies/{name}")
    def look(name: Name) -> StudyState:
        return keeper.study(name).state()

    @app.get("/studies/{name}/trials")
    def trials(name: Name) -> StudyTrials:
        return keeper.trials(name)

    @app.post("/studies/{name}/ask")
    def ask(name: Name, body: Ask) -> Answer:
        return keeper.study(name).ask(worker=body.worker, token=body.token)

    @app.post("/studies/{name}/trials/{number}/renew")
    def renew(name: Name, number: Number, body: Renew) -> None:
        keeper.study(name).renew(number, token=body.token)

    @app.post("/studies/{name}/trials/{number}/report")
    def report(name: Name, number: Number, body: Report) -> Verdict:
        prune = keeper.study(name).report(number, token=body.token, step=body.step, value=body.value)
        return Verdict(prune=prune)

    @app.post("/studies/{name}/trials/{number}/tell")
    def tell(name: Name, number: Number, body: Tell) -> None:
        if body.state == "complete" and body.value is None:
            raise ConfigurationError("a complete trial needs a value")
        state = TrialState.COMPLETE if body.state == "complete" else TrialState.PRUNED
        keeper.study(name).tell(number, token=body.token, state=state, value=body.value)

    @app.post("/studies/{name}/trials/{number}/fail")
    def fail(name: Name, number: Number, body: Fail) -> None:
        keeper.study(name).fail(number, token=body.token, reason=body.reason, again=body.again)

    return TokenGate(app, token=token)


def _refuse(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=status)


def _say_error(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, TakenOverError):
        return _refuse(TAKEN_OVER, str(error))
    if isinstance(error, UnknownStudyError):
        return _refuse(UNKNOWN, str(error))
    if isinstance(error, ConfigurationError):
        return _refuse(BAD_REQUEST, str(error))
    log.warning("asked to come again: %s", error)
    return _refuse(NOT_NOW, str(error))


def _say_invalid(_: Request, error: Exception) -> JSONResponse:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    shown = "; ".join(f"{'.'.join(map(str, p['loc'][1:]))}: {p['msg']}" for p in problems[:3])
    return _refuse(BAD_REQUEST, f"{shown}{f'; and {len(problems) - 3} more' if len(problems) > 3 else ''}")
