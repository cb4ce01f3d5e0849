"""Receivers of publications: how they fare, and trying one out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from api.errors import not_found
from api.keyed import page
from api.routes.answers import After, Limit, answer, documented, parts
from api.schemas import SinksOf, SinkTest
from api.sink_states import states

router = APIRouter(prefix="/api/v1/sinks", tags=["operation"])

Name = Annotated[str, Path(max_length=100)]

_TEST = {
    "name": "noc-mail",
    "kind": "mail",
    "ok": True,
    "said": "taken as <headwater.TEST-1@example.com>",
    "failure": "",
}


@router.get("", responses=documented(SinksOf), summary="Receivers of publications")
def sinks(request: Request, cursor: After = "", limit: Limit = 50) -> Response:
    """Each with its kind, its audiences, its mode, and how the last publications to it fared."""
    running = parts(request)
    found = states(running.settings.sinks, running.reader.standings())
    return answer(SinksOf(*page(found.items, lambda one: one.name, cursor, limit)))


@router.post("/{name}/test", responses=documented(SinkTest, _TEST), summary="Send a test to a receiver")
def test(request: Request, name: Name) -> Response:
    """Sends one publication that says that it is a test, past the same guard as all others; says what came of it."""
    tested = parts(request).test_sink(name)
    if tested is None:
        raise not_found("sink", name)
    return answer(tested)
