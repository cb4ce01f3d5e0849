"""The HTTP application: ingest endpoints found by one look-up, everything else by FastAPI, one guard before both."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api import openapi
from api.auth.entries import SIGNED
from api.auth.guard import Guard
from api.console import pages
from api.console.sharing import Shared
from api.errors import Fault, Problem, invalid, overloaded
from api.etag import Tagged
from api.governance import router as governance
from api.parts import Parts
from api.routes import (
    access,
    alerts,
    audit,
    books,
    bundles,
    clocks,
    commands,
    continuity,
    evidence,
    health,
    incidents,
    load,
    login,
    logs,
    observed,
    operations,
    probes,
    readiness,
    recovery,
    restoration,
    risk,
    silences,
    sinks,
    steps,
    stream,
    tickets,
    topology,
    whatif,
)
from api.routes.ingest import ROWS, Endpoint, Row
from api.version import installed
from engine.errors import StoreUnavailable

ROUTERS = (
    incidents.router,
    alerts.router,
    observed.router,  # before /topology/{entity}
    topology.router,
    logs.router,
    audit.router,
    whatif.router,
    restoration.router,
    risk.router,
    clocks.router,
    continuity.router,
    books.router,
    bundles.router,
    steps.router,
    governance.router,
    governance.continuity,
    evidence.router,
    probes.router,
    recovery.router,
    readiness.router,
    commands.router,
    silences.router,
    sinks.router,
    operations.router,
    load.router,
    tickets.router,
    stream.router,
    health.router,
    access.router,
    login.router,
    pages.router,
)
Lifespan = Callable[[], contextlib.AbstractAsyncContextManager[None]]


class Front:
    """Sends ingest straight to its endpoint, and everything else to the application."""

    def __init__(self, app: FastAPI, tagged: ASGIApp, direct: Mapping[str, ASGIApp]) -> None:
        self.app = app
        self.tagged = tagged
        self.direct = direct

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One look-up."""
        endpoint = self.direct.get(scope["path"]) if scope["type"] == "http" else None
        await (endpoint or self.tagged)(scope, receive, send)


def create_app(parts: Parts, lifespan: Lifespan = contextlib.nullcontext) -> Guard:
    """Everything that is served, behind the guard."""
    return parts.access.guard(create_front(parts, lifespan))


def create_front(parts: Parts, lifespan: Lifespan = contextlib.nullcontext) -> Front:
    """Everything that is served, without the guard."""
    app = FastAPI(
        title="Headwater",
        version=installed(),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan(lifespan),
        separate_input_output_schemas=False,
        dependencies=[Depends(_as_admitted)],
    )
    app.state.parts = parts
    app.state.console = Shared(lambda: parts.broadcaster.sent)
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(StoreUnavailable, _unavailable)
    app.add_exception_handler(Exception, _internal)
    document = openapi.document(app, ROWS, secured=parts.access.door.local() is None)
    app.add_api_route("/openapi.json", lambda: JSONResponse(document), include_in_schema=False)
    prefix = parts.settings.server.prefix
    direct: dict[str, ASGIApp] = {}
    for row in ROWS:
        endpoint = _endpoint(row, parts)
        direct[row.path] = direct[prefix + row.path] = endpoint
        signed = (hook for hook in parts.settings.access.webhooks if hook.format == row.path)
        direct.update({SIGNED + hook.name: endpoint for hook in signed})
    for path, response in _probes().items():
        direct[path] = direct[prefix + path] = response
    return Front(app, Tagged(app), direct)


def _endpoint(row: Row, parts: Parts) -> ASGIApp:
    """With a span for each step, where traces are wanted."""
    tracing, limits = parts.tracing, parts.settings.limits
    if tracing is None:
        return Endpoint(row, parts.decode, parts.accept, limits)
    endpoint = Endpoint(row, tracing.decoding(parts.decode), tracing.accepting(parts.accept), limits)
    return tracing.served(endpoint, row.path)


def _probes() -> dict[str, Response]:
    """What programs ask of an Alertmanager before they send to it."""
    status = {
        "cluster": {"status": "disabled"},
        "versionInfo": {
            "version": installed(),
            "branch": "",
            "buildDate": "",
            "buildUser": "",
            "goVersion": "",
            "revision": "",
        },
        "config": {"original": ""},
        "uptime": "1970-01-01T00:00:00Z",
    }
    return {
        "/-/healthy": PlainTextResponse("OK"),
        "/-/ready": PlainTextResponse("OK"),
        "/api/v2/status": JSONResponse(status),
    }


def _lifespan(inner: Lifespan) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        async with inner():
            yield

    return running


def _as_admitted(request: Request) -> None:
    """The route that was chosen is the one that the guard admitted to. Raises Problem."""
    entry = request.state.entry
    if request.scope["route"].path_format != entry.template.replace(":path}", "}"):
        raise Problem(403, "forbidden", "This route is closed: it has no entry of its own.")


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this type
    return error.response()


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    word = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http-error")
    return Problem(error.status_code, word, str(error.detail), headers=error.headers).response()


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
    faults = [Fault(_pointer(fault["loc"]), fault["msg"]) for fault in error.errors()]
    return invalid("The request is not valid.", faults).response()


async def _unavailable(request: Request, error: Exception) -> Response:
    return overloaded(str(error)).response()


async def _internal(request: Request, error: Exception) -> Response:
    return Problem(500, "internal-error", "Headwater failed on this request; its log says why.").response()


def _pointer(location: tuple[str | int, ...]) -> str:
    """The JSON pointer of a fault: without the word that says which part of the request it is in."""
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location[1:]]
    return "".join(f"/{part}" for part in parts)
