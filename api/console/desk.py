"""How a page is answered: made once for all who ask, as a whole or as the part that changes, with a tag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import Request
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from api.console.permits import Permitted
from api.console.rendering import render
from api.console.sharing import Shared
from api.errors import Problem
from api.parts import Parts
from api.routes.answers import principal
from api.routes.commands import permit
from engine.errors import StoreUnavailable
from engine.outcomes import IncidentView
from engine.policy import ACTIONS

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
"""No script and no style that is not a file of ours, no markup made of text by scripts (Trusted Types)."""
PART, SEEN = "x-part", "x-seen"
"""A script asks for the part that changes, and says the last event that it has heard of."""
FRESH = 1 << 62
Gather = Callable[[], dict[str, Any]]


async def show(request: Request, template: str, gather: Gather, *, live: bool = True) -> Response:
    """The page, or its part; 304 where the client has it. ``gather`` gives the template's values, or raises Problem."""
    may = permitted(request)
    rights = tuple(may(action) for action in ACTIONS)
    shared: Shared = request.app.state.console
    part = request.headers.get(PART) == "main"

    def make() -> str:
        values = gather()
        return msgspec.json.encode((values["title"], render(template, may=may, **values))).decode()

    try:
        found = await shared.page((template, request.url.path, request.url.query, rights), _seen(request), make)
    except Problem as problem:
        return _wrong(request, problem, part=part)
    except StoreUnavailable as error:
        return _wrong(request, Problem(503, "unavailable", str(error)), part=part)
    headers = {"Cache-Control": "private, no-cache", "Vary": "X-Part, Cookie, Authorization"}
    headers["Content-Security-Policy"] = POLICY
    if not part:
        title, body = msgspec.json.decode(found.body)
        return HTMLResponse(_whole(request, title, body, live=live), headers=headers)
    headers["ETag"] = found.tag
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(msgspec.json.decode(found.body)[1], headers=headers)


def permitted(request: Request) -> Permitted:
    """Whether who asks may perform an action: the same question that a command is asked."""
    who = principal(request)

    def may(action: str) -> bool:
        try:
            permit(who, action)
        except Problem:
            return False
        return True

    return may


def no_such(what: str, id: str) -> Problem:
    """There is none."""
    return Problem(404, "not-found", f"There is no {what} {id[:200]}.")


def incident_or_wrong(running: Parts, id: str) -> IncidentView:
    """The latest revision of an incident. Raises Problem."""
    found = running.reader.incident(id)
    if found is None:
        raise no_such("incident", id)
    return found


def _seen(request: Request) -> int:
    said = request.headers.get(SEEN, "")
    if said == "fresh":
        return FRESH
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else 0


def _section(request: Request) -> str:
    first = request.url.path.strip("/").partition("/")[0]
    return first or "overview"


def _wrong(request: Request, problem: Problem, *, part: bool) -> Response:
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    title = problem.type.replace("-", " ")
    body = render("wrong.html", title=title, status=problem.status, detail=problem.detail)
    return HTMLResponse(body if part else _whole(request, title, body, live=False), problem.status, headers)


def _whole(request: Request, title: str, body: str, *, live: bool) -> str:
    made = Markup(body)  # noqa: S704 - by our own templates, which escape
    return render("shell.html", title=title, body=made, page=_section(request), who=principal(request), live=live)
