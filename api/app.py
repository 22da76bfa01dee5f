"""The application: middleware, errors, routes. Built from `Deps`, so that tests and processes share it."""

import logging

import psycopg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolClosed, PoolTimeout
from starlette.exceptions import HTTPException

from alerts import errors as alerting
from api import (
    alerts,
    commands,
    devices,
    estates,
    health,
    leads,
    quarantine,
    readings,
    receivers,
    residents,
    signals,
    tokens,
    units,
    usages,
)
from api.console import photo
from api.console.install import install as install_console
from api.deps import Deps
from api.device_acts import problem_of
from api.guards import BodyLimit, PathGuard, SecurityHeaders
from api.openapi import install_openapi
from api.passwords import Passwords
from api.problems import Problem, reply
from api.validation import faults
from devices.errors import DevicesError
from housing import errors as housing
from ingest.errors import NotInQuarantine
from storage.errors import DatabaseAway

_log = logging.getLogger(__name__)

#: A form or a verdict; nothing larger is asked for but by receivers.
MAX_BODY_BYTES = 64 * 1024

#: What the rooms below raise → how it is answered.
_TRANSLATED: dict[type[Exception], str] = {
    housing.NotFound: "not_found",
    housing.InvalidTransition: "invalid_transition",
    housing.AnotherOpen: "another_open",
    housing.UnknownCode: "unknown_code",
    alerting.NotFound: "not_found",
    alerting.InvalidTransition: "invalid_transition",
    housing.NoteRequired: "note_required",
    NotInQuarantine: "not_found",
    DatabaseAway: "database_away",
    PoolTimeout: "database_away",
    PoolClosed: "database_away",
    psycopg.OperationalError: "database_away",
}

_BY_STATUS = {400: "malformed", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def create_app(deps: Deps) -> FastAPI:
    """Build the application.

    Parameters
    ----------
    deps : Deps
        The caller opens the pool and closes it after serving.
    """
    app = FastAPI(
        title="Anju 安居",
        version=deps.version,
        summary="Leads that people can check, from the telemetry of public-rental housing.",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.deps = deps
    app.state.passwords = Passwords(deps.rules)
    for noun in (
        health,
        tokens,
        estates,
        units,
        usages,
        readings,
        residents,
        signals,
        leads,
        devices,
        alerts,
        commands,
        quarantine,
    ):
        app.include_router(noun.router, prefix="/api/v1")
    app.include_router(receivers.router)
    receivers.install(app, deps)
    install_console(app)
    _install_errors(app)
    install_openapi(app)
    larger = {**receivers.body_limits(deps), photo.PATH: lambda: photo.MAX_BYTES}
    app.add_middleware(BodyLimit, limit=MAX_BODY_BYTES, larger=larger)
    app.add_middleware(PathGuard)
    app.add_middleware(SecurityHeaders, https=deps.https)
    return app


def _install_errors(app: FastAPI) -> None:
    def answer(request: Request, problem: Problem) -> Response:
        """Programs get problem+json; pages get what the console installed."""
        page = getattr(app.state, "problem_page", None)
        if page is not None and not request.url.path.startswith(("/api/", f"{receivers.PREFIX}/")):
            return page(request, problem)
        return reply(request, problem)

    @app.exception_handler(Problem)
    def of_problem(request: Request, problem: Problem) -> Response:
        return answer(request, problem)

    @app.exception_handler(housing.VersionConflict)
    @app.exception_handler(alerting.VersionConflict)
    def of_conflict(request: Request, error: housing.VersionConflict | alerting.VersionConflict) -> Response:
        return answer(request, Problem("version_conflict", current=error.current))

    @app.exception_handler(DevicesError)
    def of_device(request: Request, error: DevicesError) -> Response:
        return answer(request, problem_of(error))

    @app.exception_handler(RequestValidationError)
    def of_validation(request: Request, error: RequestValidationError) -> Response:
        return answer(request, Problem("invalid_request", errors=faults(error)))

    @app.exception_handler(HTTPException)
    def of_status(request: Request, error: HTTPException) -> Response:
        code = _BY_STATUS.get(error.status_code, "malformed" if error.status_code < 500 else "internal")
        return answer(request, Problem(code, headers=error.headers))

    def of_room(request: Request, error: Exception) -> Response:
        code = next(code for kind, code in _TRANSLATED.items() if isinstance(error, kind))
        if code == "database_away":
            _log.warning("the database does not answer", extra={"action": "database_away"})
        return answer(request, Problem(code))

    for kind in _TRANSLATED:
        app.add_exception_handler(kind, of_room)

    @app.exception_handler(Exception)
    def of_anything(request: Request, _error: Exception) -> Response:
        # The server logs the traceback; the reply shows nothing of it.
        return answer(request, Problem("internal"))
